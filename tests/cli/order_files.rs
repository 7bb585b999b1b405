//! Tables of orders: which are refused before anything is sent, and what is sent of the others.
//!
//! What was sent is read from the merchant, which fails the test at a request too many or too few.

use serde_json::Value;

use crate::harness::{ACKNOWLEDGE, KEY, Merchant, Output, Sandbox, payout_notify};

const HEADER: &str =
    "payout_id,payout_cl_id,platform_id,amount,real_amount,fee,status,create_time,update_time";
const ROW: &str = "POT1,c1,PF0014,400000,400000,3200,3,1567614049,1567614111";

/// Sends a table to a merchant.
fn simulate(merchant: &Merchant, table: impl AsRef<[u8]>, more: &[&str]) -> Output {
    let usual = ["--retries", "0", "--concurrency", "1", "--from", "orders.csv"];
    payout_notify(&[&["simulate", &merchant.url()], &usual[..], more].concat())
        .file("orders.csv", table)
        .key(KEY)
        .run()
}

/// What a table is refused with; the merchant gets nothing, from a file, a pipe or with a journal.
#[track_caller]
fn refused(table: impl AsRef<[u8]>) -> String {
    let table = table.as_ref();
    let merchant = Merchant::expecting(&[]);
    let output = simulate(&merchant, table, &[]).exits(3);
    let pipe = ["simulate", &merchant.url(), "--from", "-", "--from-format", "csv"];
    let piped = payout_notify(&pipe).stdin(table).key(KEY).run().exits(3);
    let cause = output.stderr.lines().find(|line| line.contains("line ")).unwrap_or_default();
    assert!(piped.stderr.contains(cause.trim()), "{piped}");
    let folder = Sandbox::new();
    let journal = folder.work().join("run.journal");
    simulate(&merchant, table, &["--journal", journal.to_str().unwrap()]).exits(3);
    assert!(!journal.exists(), "a journal of nothing");
    output.stderr
}

/// The payloads that a merchant gets of a table.
#[track_caller]
fn sent(table: impl AsRef<[u8]>, count: usize) -> (Vec<Value>, Output) {
    let merchant = Merchant::expecting(&vec![ACKNOWLEDGE; count]);
    let output = simulate(&merchant, table, &[]).exits(0);
    let payload = |body: &str| serde_json::from_str(body).expect("a payload");
    (merchant.received().iter().map(|request| payload(&request.body)).collect(), output)
}

#[test]
fn the_separator_of_a_table_is_found() {
    let table = format!("{HEADER}\n{ROW}\n");
    let (expected, _) = sent(&table, 1);
    for separator in [";", "\t"] {
        let other = table.replace(',', separator);
        for table in [
            other.clone(),
            format!("\u{feff}{other}"),
            other.replace('\n', "\r\n"),
            format!("sep={separator}\n{other}"),
        ] {
            assert_eq!(sent(&table, 1).0, expected, "{table:?}");
        }
    }
    assert_eq!(sent(format!("sep=|\n{table}").replace(',', "|"), 1).0, expected);
}

#[test]
fn a_table_whose_separator_is_not_known_is_not_sent() {
    let table = format!("{HEADER}\n{ROW}\n").replace(',', "|");
    for table in [table.clone(), format!("\u{feff}{table}"), table.replace('\n', "\r\n")] {
        let told = refused(&table);
        assert!(told.contains("separated by \"|\", expected a comma"), "{told}");
        assert!(told.contains("payout_id, payout_cl_id, platform_id, amount"), "{told}");
        assert!(told.contains("hint: "), "{told}");
    }
    let told = refused(format!("sep=;\n{HEADER}\n{ROW}\n"));
    assert!(told.contains("separated by \",\", expected \";\""), "{told}");
    assert!(refused(format!("sep=x\n{HEADER}\n{ROW}\n")).contains("the line \"sep=x\""));
    let told = refused("payout_id;payout_cl_id,amount\nP1;c1,5\n");
    assert!(told.contains("\",\" and \";\" may separate the columns"), "{told}");
    assert!(told.contains("hint: name the separator in a line before the header"), "{told}");
    let utf16: Vec<u8> =
        format!("\u{feff}{HEADER}\n{ROW}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(refused(utf16).contains("the file is UTF-16, expected UTF-8"));
}

#[test]
fn an_amount_with_a_comma_is_not_sent() {
    let table = format!("{HEADER}\n{ROW}\n").replace(',', ";").replacen("400000", "4000,00", 1);
    assert!(
        refused(table).contains("line 2, member \"amount\": expected a number, found \"4000,00\"")
    );
}

#[test]
fn a_table_without_the_fields_is_not_sent() {
    let told = refused("payout_id,amount\nP1,5\n");
    assert!(told.contains("lacks the required fields payout_cl_id, platform_id, fee"), "{told}");
    assert!(told.contains("--set") && told.contains("--unset"), "{told}");
    let told = refused(format!("{HEADER}\n{ROW}\n").replace("payout_cl_id", "Payout_CL_ID"));
    assert!(told.contains("\"Payout_CL_ID\", expected \"payout_cl_id\""), "{told}");
    let told = refused(format!("{}\n{ROW}\n", HEADER.to_uppercase()));
    assert!(told.contains("\"UPDATE_TIME\", expected \"update_time\""), "{told}");
    let told = refused(format!("{HEADER}\n{ROW}\n").replace("create_time", "creat_time"));
    assert!(told.contains("create_time (is \"creat_time\" meant to be it?)"), "{told}");
    refused(format!("{ROW}\n{ROW}\n"));
    assert!(refused(format!("{HEADER}\n")).contains("orders.csv has no orders"));
}

#[test]
fn a_row_with_too_many_or_too_few_cells_is_named_before_anything_is_sent() {
    let merchant = Merchant::expecting(&[]);
    for (row, told) in [
        (&*format!("{ROW},x"), "line 3: the row has 10 cells, the header 9"),
        ("POT2,c2", "line 3: the row has 2"),
    ] {
        let table = format!("{HEADER}\n{ROW}\n{row}\n");
        simulate(&merchant, &table, &[]).exits(3).remarks(&[told]);
        simulate(&merchant, &table, &["--journal", "run.journal"]).exits(3).remarks(&[told]);
    }
}

#[test]
fn fields_that_flags_give_or_leave_out_need_no_columns() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE]);
    let table = "payout_id,payout_cl_id,amount,create_time,update_time\nP1,c1,5,1,2\n";
    let flags = ["--set", "platform_id=PF0014", "--unset", "fee", "--status", "failed"];
    simulate(&merchant, table, &flags).exits(0);
    assert!(merchant.received()[0].body.contains("\"status\":5"));
}

#[test]
fn empty_rows_are_skipped_and_counted() {
    let table =
        format!("{HEADER}\n,,,,,,,,\n{ROW}\n  \n \t,,,,,,,,\n{}\n\n", ROW.replace('1', "2"));
    let (payloads, output) = sent(&table, 2);
    assert_eq!(payloads[1]["payout_id"], "POT2");
    output.remarks(&["3 empty rows of orders.csv were skipped"]);
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 2]);
    simulate(&merchant, &table, &["--journal", "run.journal", "--format", "json"])
        .exits(0)
        .remarks(&["3 empty rows of orders.csv were skipped"]);
    let told = refused(format!("{HEADER}\n,,,,,,,,\n"));
    assert!(told.contains("1 empty row of orders.csv was skipped"), "{told}");
}

#[test]
fn the_field_decides_the_type_and_numbers_keep_their_digits() {
    let header = format!("{HEADER},error_msg,trade,code,ratio,none,is_test,list:json,exact:json");
    let row =
        ROW.replace("POT1", "20160806151343349021").replace("c1", "1e5").replace("PF0014", "7");
    let more = "true,20160806151343349021,007,1.5,null,true,\"[1, 2]\",1.10";
    let (payloads, _) = sent(format!("{header}\n{row},{more}\n"), 1);
    let payload = &payloads[0];
    for (name, text) in [
        ("payout_id", "20160806151343349021"),
        ("payout_cl_id", "1e5"),
        ("platform_id", "7"),
        ("error_msg", "true"),
        ("trade", "20160806151343349021"),
        ("code", "007"),
        ("ratio", "1.5"),
        ("none", "null"),
        ("is_test", "true"),
    ] {
        assert_eq!(payload[name], *text, "{name} of {payload}");
    }
    assert_eq!((&payload["amount"], &payload["status"]), (&400_000.into(), &3.into()));
    assert_eq!((&payload["list"][1], &payload["exact"]), (&2.into(), &1.10.into()));
}
