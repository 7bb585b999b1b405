//! Makes an order known to the merchant before anything of it is sent.

use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;

use super::demand::OrderRef;
use crate::mask::Untrusted;
use crate::process::command::UserCommand;

pub(super) struct Preparer<'a> {
    command: Option<&'a UserCommand>,
    platform_id: &'a str,
    failure: Mutex<Option<String>>,
}

impl<'a> Preparer<'a> {
    pub(super) fn new(command: Option<&'a UserCommand>, platform_id: &'a str) -> Self {
        Preparer { command, platform_id, failure: Mutex::default() }
    }

    /// Runs the command for each order; the first failure ends the check.
    pub(super) async fn prepare(&self, orders: &[OrderRef]) -> Result<(), String> {
        let Some(command) = self.command else { return Ok(()) };
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        let one = async |order: &OrderRef| {
            let mut variables = order.variables();
            variables.push(("PAYOUT_CHECK_PLATFORM_ID", self.platform_id.to_owned()));
            match command.run(variables).await {
                Ok(output) if output.code == Some(0) => Ok(()),
                Ok(output) => {
                    Err(format!("{} (order {})", output.end(), Untrusted::new(&order.id)))
                }
                Err(error) => Err(format!("{error} (order {})", Untrusted::new(&order.id))),
            }
        };
        try_join_all(orders.iter().map(one)).await.map(|_| ()).map_err(|failure| {
            let mut known = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            known.get_or_insert(failure).clone()
        })
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
