//! A resumed run makes the orders that are left as they would have been made without a break.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::sender::orders::plan::OrderFile;

/// Everything that is random, and a number of duplicates.
fn varied(duplicates: &str) -> OrderSettings {
    let removed = Change::Remove { name: "real_amount".to_owned() };
    OrderSettings {
        mix: Some(Mix::try_from(vec![(3, 5), (5, 4), (4, 1)]).unwrap()),
        duplicates: duplicates.parse().unwrap(),
        changes: vec![
            set("memo", "{n} {uuid} {hex:40} {now_ms}"),
            set("amount", "{1..1000000}"),
            removed,
        ],
        ..settings(7)
    }
}

/// What a journal has of a plan.
fn kept(plan: &OrderPlan) -> OrderPlan {
    let json = serde_json::to_string(plan).unwrap();
    assert!(!json.contains("ThisIsYourSecretKey123"), "{json}");
    serde_json::from_str(&json).unwrap()
}

/// Each order of a whole run at a time of its own, as in a run.
fn run(orders: &mut Orders) -> Vec<Order> {
    let time = |number: usize| Timestamp::from_second(1_567_614_111 + number as i64).unwrap();
    let already = orders.maker.next_number as usize - 1;
    let make = |number| match orders.next(time(already + number)) {
        Poll::Ready(order) => order.map(Result::unwrap),
        Poll::Pending => panic!("a pipe"),
    };
    (0..).map_while(make).collect()
}

/// Continues a run after each of its orders.
fn check_every_break(mut begin: impl FnMut() -> Orders) {
    let mut orders = begin();
    let plan = kept(orders.plan());
    assert_eq!(&plan, orders.plan());
    let total = orders.remaining();
    let whole = run(&mut orders);
    assert_eq!(total, Some(whole.len() as u64));
    assert_eq!(plan.orders(), total);
    for begun in 0..=whole.len() {
        let last = begun.checked_sub(1).map(|at| whole[at].clone());
        let mut rest = Orders::resume(plan.clone(), Some(signer()), last.clone()).unwrap();
        assert_eq!(rest.remaining(), Some((whole.len() - begun) as u64));
        let mut expected = whole[begun..].to_vec();
        assert_eq!(run(&mut rest), expected, "after {begun}");
        // A duplicate is not signed again, so it alone needs no key.
        expected.truncate(1);
        let is_duplicate = expected.iter().all(|order| order.duplicate_of.is_some());
        let is_last = whole.len() - begun == expected.len() && is_duplicate;
        match Orders::resume(plan.clone(), None, last) {
            Ok(mut rest) => assert!(is_last && run(&mut rest) == expected, "after {begun}"),
            Err(error) => assert!(!is_last && matches!(error, OrderError::NoKey), "after {begun}"),
        }
    }
}

#[test]
fn generated_orders_continue_after_any_order() {
    for share in ["0%", "30%", "50%", "100%"] {
        check_every_break(|| Orders::generate(13, varied(share), signer()));
    }
}

#[test]
fn a_far_place_is_reached_at_once() {
    let settings = varied("50%");
    let last = Order {
        number: 900_000_000_000,
        id: "x".into(),
        body: b"{}".as_slice().into(),
        completed_at: at(),
        duplicate_of: None,
    };
    let plan = OrderPlan { source: OrderSource::Generated(u64::MAX), settings };
    let mut rest = Orders::resume(plan, Some(signer()), Some(last)).unwrap();
    assert_eq!(next(&mut rest).unwrap().unwrap().number, 900_000_000_001);
}

struct JournalFolder(PathBuf);

impl JournalFolder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("orders-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        JournalFolder(path)
    }
}

impl Drop for JournalFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ROWS: &str = "payout_id,payout_cl_id,platform_id,amount,fee,status,create_time,update_time\n\
    P1,c1,PF1,1,2,3,4,5\n,,,,,,,\nP2,c2,PF1,1,2,3,4,5\n\nP3,c3,PF1,1,2,3,4,5\nP4,c4,PF1,1,2,3,4,5\n";

fn opened(path: &Path, settings: OrderSettings) -> Result<Orders, OrderError> {
    Orders::read(path, FileFormat::of(path), settings, signer())
}

#[test]
fn rows_of_a_file_continue_after_any_order() {
    let folder = JournalFolder::new("rows");
    let csv = folder.0.join("orders.csv");
    fs::write(&csv, ROWS).unwrap();
    let ndjson = folder.0.join("orders.ndjson");
    let line = |n: u32| format!("{{\"payout_id\":\"P{n}\",\"real_amount\":1}}\n\n");
    fs::write(&ndjson, (1..6).map(line).collect::<String>()).unwrap();
    for path in [&csv, &ndjson] {
        for share in ["0%", "50%", "100%"] {
            check_every_break(|| opened(path, varied(share)).unwrap());
        }
        let plain = OrderSettings { duplicates: "25%".parse().unwrap(), ..settings(1) };
        check_every_break(|| opened(path, plain.clone()).unwrap());
    }
}

#[test]
fn a_file_that_changed_is_refused() {
    let folder = JournalFolder::new("changed");
    let path = folder.0.join("orders.csv");
    fs::write(&path, ROWS).unwrap();
    let mut orders = opened(&path, settings(1)).unwrap();
    let OrderSource::File(OrderFile { bytes, rows, .. }) = orders.plan().source else { panic!() };
    assert_eq!((bytes, rows), (ROWS.len() as u64, 4));
    let plan = kept(orders.plan());
    let whole = all(&mut orders);
    let resume = |begun: usize| {
        let last = begun.checked_sub(1).map(|at| whole[at].clone());
        let resumed = Orders::resume(plan.clone(), Some(signer()), last);
        resumed.err().map(|error| error.to_string())
    };
    for text in [format!("{ROWS}P5,c5,PF1,1,2,3,4,5\n"), ROWS.replace("P4", "P5"), String::new()] {
        fs::write(&path, text).unwrap();
        let told = resume(2).unwrap();
        assert!(told.ends_with("orders.csv is not what it was when the run began"), "{told}");
        assert_eq!(resume(4), None, "nothing is read of it any more");
    }
    fs::remove_file(&path).unwrap();
    assert!(resume(2).is_some());
    fs::write(&path, ROWS).unwrap();
    assert_eq!(resume(2), None);
}

#[test]
fn bad_rows_are_found_before_the_first_order() {
    let folder = JournalFolder::new("bad");
    let path = folder.0.join("orders.csv");
    fs::write(&path, format!("{ROWS}P5,c5\n")).unwrap();
    let error = opened(&path, settings(1)).err().unwrap();
    assert_eq!(error.line(), Some(8), "{error}");
    let header = ROWS.lines().next().unwrap();
    fs::write(&path, format!("{header}\n,,,,,,,\n")).unwrap();
    assert!(matches!(opened(&path, settings(1)), Err(OrderError::Empty { skipped_rows: 1 })));
    let missing = opened(&folder.0.join("none.csv"), settings(1));
    assert!(matches!(missing, Err(OrderError::Open { .. })));
    let directory = opened(&folder.0, settings(1)).err().unwrap();
    assert!(matches!(directory, OrderError::Open { .. }), "{directory}");
}

#[test]
fn a_pipe_has_nothing_left_but_a_duplicate() {
    let settings = OrderSettings { duplicates: "50%".parse().unwrap(), ..settings(1) };
    let plan = OrderPlan { source: OrderSource::Pipe, settings };
    assert_eq!(plan.orders(), None);
    let whole = all(&mut Orders::generate(
        2,
        OrderSettings { mix: Some(Mix::only(3)), ..plan.settings.clone() },
        signer(),
    ));
    let mut rest = Orders::resume(kept(&plan), None, Some(whole[1].clone())).unwrap();
    assert_eq!(rest.remaining(), Some(1));
    assert_eq!(all(&mut rest), whole[2..]);
    let mut rest = Orders::resume(plan, None, Some(whole[0].clone())).unwrap();
    assert_eq!((rest.remaining(), all(&mut rest)), (Some(0), Vec::new()));
}

#[test]
fn a_damaged_plan_is_refused() {
    let plan = OrderPlan { source: OrderSource::Generated(3), settings: varied("5%") };
    let json = serde_json::to_string(&plan).unwrap();
    for (right, wrong) in [
        ("{1..1000000}", "{9..1}"),
        ("\"5%\"", "\"500%\""),
        ("[3,5]", "[3,0]"),
        ("{uuid}", "{uid}"),
        ("\"generated\"", "\"invented\""),
    ] {
        assert!(json.contains(right), "{json}");
        let damaged = json.replace(right, wrong);
        assert!(serde_json::from_str::<OrderPlan>(&damaged).is_err(), "{damaged}");
    }
}
