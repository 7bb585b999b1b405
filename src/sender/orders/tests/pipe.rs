//! Orders from a pipe.

use std::future::poll_fn;
use std::sync::mpsc;

use super::{at, settings, signer_of};
use crate::sender::orders::*;

struct Bytes(mpsc::Receiver<Vec<u8>>);

impl Read for Bytes {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.recv().unwrap_or_default();
        room[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

fn pipe(format: FileFormat) -> (mpsc::SyncSender<Vec<u8>>, Orders) {
    let (sender, bytes) = mpsc::sync_channel(1);
    (sender, read(Bytes(bytes), format))
}

fn read(reader: impl Read + Send + 'static, format: FileFormat) -> Orders {
    Orders::read_pipe(Box::new(reader), format, settings(1), signer_of("wechat-v2")).unwrap()
}

fn next(orders: &mut Orders) -> Option<Result<String, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let order = runtime.block_on(poll_fn(|context| {
        loop {
            match orders.next(at()) {
                Poll::Ready(order) => return Poll::Ready(order),
                Poll::Pending => std::task::ready!(orders.poll_ready(context)),
            }
        }
    }));
    order.map(|order| order.map(|one| one.id.to_string()).map_err(|error| error.to_string()))
}

#[test]
fn a_row_is_there_while_the_pipe_is_silent_after_it() {
    for (format, first) in [
        (FileFormat::Ndjson, "{\"payout_id\":\"A\"}\n{\"payout_id\":\"B\"}\n\n{\"pay"),
        (FileFormat::Csv, "payout_id,memo\nA,x\nB,\"y\nz\"\n\nC"),
    ] {
        let (sender, mut orders) = pipe(format);
        assert!(orders.next(at()).is_pending());
        sender.send(first.into()).unwrap();
        assert_eq!(next(&mut orders), Some(Ok("A".to_owned())), "{format:?}");
        assert_eq!(next(&mut orders), Some(Ok("B".to_owned())), "{format:?}");
        assert!(orders.next(at()).is_pending());
        let rest = if format == FileFormat::Csv { ",\n" } else { "out_id\":\"C\"}" };
        sender.send(rest.into()).unwrap();
        drop(sender);
        assert_eq!(next(&mut orders), Some(Ok("C".to_owned())), "{format:?}");
        assert_eq!(next(&mut orders), None);
        assert_eq!(next(&mut orders), None);
    }
}

#[test]
fn a_bad_row_keeps_its_line_and_a_line_without_end_ends_the_pipe() {
    let (sender, mut orders) = pipe(FileFormat::Ndjson);
    sender.send(b"{}\nno\n".into()).unwrap();
    assert!(next(&mut orders).unwrap().is_ok());
    assert!(next(&mut orders).unwrap().unwrap_err().starts_with("line 2"));
    let mut orders = read(io::repeat(0), FileFormat::Ndjson);
    let told = next(&mut orders).unwrap().unwrap_err();
    assert!(told.starts_with("line 1: it has no end within 67108864 bytes"), "{told}");
    assert_eq!(next(&mut orders), None);
}

#[test]
fn the_thread_ends_with_the_run() {
    let (sender, orders) = pipe(FileFormat::Ndjson);
    drop(orders);
    // The pipe goes away with the thread: at some time nobody takes a line any more.
    while sender.send(b"\n".into()).is_ok() {}
}
