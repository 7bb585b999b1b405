//! Orders from a file.

use std::io::Cursor;

use protocol::MAX_BYTES;

use super::*;

fn read_by(settings: OrderSettings, text: impl Into<Vec<u8>>, format: FileFormat) -> Orders {
    read_as(settings, signer(), text, format)
}

fn read_as(
    settings: OrderSettings,
    signer: BodySigner,
    text: impl Into<Vec<u8>>,
    format: FileFormat,
) -> Orders {
    let expected = Expected::new(&settings, signer.dialect());
    let plan = OrderPlan { source: OrderSource::Pipe, settings };
    let mut orders = Orders::new(plan, Some(signer), Source::ended());
    let skipped = Arc::clone(&orders.skipped_rows);
    let rows = Rows::new(Box::new(Cursor::new(text.into())), format, expected, skipped);
    orders.source = Source::File(rows);
    orders
}

/// A header with every required field, and a row for it.
const HEADER: &str =
    "payout_id,payout_cl_id,platform_id,amount,real_amount,fee,status,create_time,update_time";
const ROW: &str = "POT1,c1,PF0014,400000,400000,3200,3,1567614049,1567614111";

/// Orders of a dialect that asks for no columns.
fn source(text: impl Into<Vec<u8>>, format: FileFormat) -> Orders {
    read_as(settings(1), signer_of("wechat-v2"), text, format)
}

/// What a table of the platform's orders is refused for.
fn refused(text: impl Into<Vec<u8>>) -> String {
    let mut source = read_by(settings(1), text, FileFormat::Csv);
    let told = error(&mut source);
    assert!(next(&mut source).is_none(), "{told}");
    told
}

/// The bodies without their signatures.
fn bodies(text: &str, format: FileFormat) -> Vec<String> {
    all(&mut source(text, format))
        .into_iter()
        .map(|order| {
            let body = String::from_utf8(order.body.to_vec()).unwrap();
            body.split(",\"sign\"").next().unwrap_or_default().to_owned()
        })
        .collect()
}

fn error(source: &mut Orders) -> String {
    next(source).unwrap().unwrap_err().to_string()
}

#[test]
fn lines_are_payloads_or_recorded_callbacks() {
    let text = concat!(
        "{\"payout_id\":\"A\",\"amount\":1.10}\r\n\n",
        "{\"type\":\"ready\",\"schema_version\":1}\n",
        "{\"type\":\"callback\",\"schema_version\":1,\"body\":\"{\\\"payout_id\\\":\\\"B\\\"}\"}\n",
        "{\"type\":\"bonus\",\"payout_id\":\"C\"}",
    );
    assert_eq!(
        bodies(text, FileFormat::Ndjson),
        [
            "{\"payout_id\":\"A\",\"amount\":1.10",
            "{\"payout_id\":\"B\"",
            "{\"type\":\"bonus\",\"payout_id\":\"C\""
        ]
    );
    let ids: Vec<_> =
        all(&mut source(text, FileFormat::Ndjson)).into_iter().map(|order| order.id).collect();
    assert_eq!(ids, ["A".into(), "B".into(), "C".into()] as [Arc<str>; 3]);
}

#[test]
fn a_bad_line_is_named_and_the_next_one_is_read() {
    let mut text = b"{\"a\":1,\"a\":2}\n".to_vec();
    text.resize(text.len() + 3 * MAX_BYTES, b'x');
    text.extend(b"\n{\"a\":1}\n{\"type\":\"callback\",\"schema_version\":1}\n");
    let mut source = source(text, FileFormat::Ndjson);
    assert!(error(&mut source).starts_with("line 1, column 8, member \"a\": "));
    assert_eq!(error(&mut source), "line 2: longer than 1048576 bytes (1 MiB)");
    assert_eq!(next(&mut source).unwrap().unwrap().number, 1);
    assert_eq!(error(&mut source), "line 4, member \"body\": the callback has no text here");
    assert!(next(&mut source).is_none());
}

#[test]
fn a_place_in_a_recorded_body_counts_within_it() {
    let text = "\n{\"type\":\"callback\",\"body\":\"{\\n \\\"a\\\":}\"}";
    let mut source = source(text, FileFormat::Ndjson);
    assert!(error(&mut source).starts_with("line 2, member \"body\": line 2, column 6, "));
}

#[test]
fn cells_are_literals_where_they_round_trip() {
    let text = "payout_id,amount,ok,memo\r\nP1,1.10,true,\"a, \"\"b\"\"\nc\"\r\n007,-1,null,\r\n";
    assert_eq!(
        bodies(text, FileFormat::Csv),
        [
            "{\"payout_id\":\"P1\",\"amount\":1.10,\"ok\":true,\"memo\":\"a, \\\"b\\\"\\nc\"",
            "{\"payout_id\":\"007\",\"amount\":-1,\"ok\":\"null\",\"memo\":\"\""
        ]
    );
}

#[test]
fn another_separator_is_named_with_the_fields_that_are_missing() {
    for (separator, name) in [(";", "\";\""), ("\t", "a tab"), ("|", "\"|\"")] {
        let text = format!("{HEADER}\n{ROW}\n").replace(',', separator);
        let told = refused(text.clone());
        assert!(told.contains(&format!("separated by {name}, expected a comma")), "{told}");
        assert!(told.contains("the required fields payout_id, payout_cl_id, "), "{told}");
        // A dialect whose fields nobody knows has columns, too.
        assert!(error(&mut source(text.clone(), FileFormat::Csv)).contains(name));
        assert_eq!(refused(format!("\u{feff}{text}")), told);
        let quoted = format!("\"{}\"", HEADER.replace(',', &format!("\"{separator}\"")));
        assert!(refused(quoted).contains(name));
        let declared = refused(format!("sep={separator}\n{text}"));
        assert!(declared.contains("line 1: the line \"sep="), "{declared}");
        assert!(declared.contains("lacks the required fields payout_id, "), "{declared}");
    }
    assert!(refused(format!("sep=,\n{HEADER}\n{ROW}\n")).contains("\"sep=,\""));
    assert!(refused(format!("\"SEP=;\"\n{HEADER}\n{ROW}\n")).contains("\"sep=;\""));
    assert!(refused("payout_id;payout_cl_id;amount,5\n").contains("\";\""));
    for other in [":", " ", "^", "\u{ff0c}", "~"] {
        let told = refused(HEADER.replace(',', other));
        assert!(told.contains(&format!("separated by \"{other}\"")), "{told}");
    }
}

#[test]
fn a_header_must_have_the_fields_under_their_names() {
    let told = refused("payout_id,amount\nP1,5\n");
    assert_eq!(
        told,
        "line 1: the header lacks the required fields payout_cl_id, platform_id, fee, status, \
         create_time, update_time"
    );
    assert!(refused(format!("{ROW}\n{ROW}\n")).contains("lacks the required fields payout_id, "));
    assert!(refused(format!("{HEADER},\n{ROW},\n")).contains("column 10 of the header"));
    assert!(refused(format!("{HEADER},fee\n{ROW},1\n")).contains("\"fee\" twice"));
    let told = refused(HEADER.replace("payout_id", "Payout_ID") + "\n");
    assert_eq!(told, "line 1: the header has \"Payout_ID\", expected \"payout_id\"");
    let told = refused(HEADER.replace("fee", "FEE").replace("status", "Status") + "\n");
    assert!(told.contains("\"FEE\", expected \"fee\""), "{told}");
    assert!(told.contains("\"Status\", expected \"status\""), "{told}");
    let told = refused(HEADER.replace("create_time", "createTime") + "\n");
    assert!(told.contains("\"createTime\", expected \"create_time\""), "{told}");
    let told = refused(HEADER.replace("platform_id", "platfrom_id") + "\n");
    assert!(told.contains("platform_id (is \"platfrom_id\" meant to be it?)"), "{told}");
    let told = refused(format!("{HEADER},Error_Msg\n{ROW},x\n"));
    assert!(told.contains("\"Error_Msg\", expected \"error_msg\""), "{told}");
    let told = refused(HEADER.replace("payout_", "payment_").replace("fee", "Fee"));
    assert!(told.contains("expected \"fee\""), "{told}");
    let deposit = format!("{HEADER}\n{ROW}\n").replace("payout_", "payment_");
    assert_eq!(all(&mut read_by(settings(1), deposit, FileFormat::Csv)).len(), 1);
    // Sister deployments leave it out.
    let short = format!("{HEADER}\n{ROW}\n").replace(",real_amount", "").replace(",400000,", ",");
    assert_eq!(all(&mut read_by(settings(1), short, FileFormat::Csv)).len(), 1);
    // Likeness makes a notification of a dialect's table.
    let told = error(&mut source(HEADER.replace("fee", "Fee") + "\n", FileFormat::Csv));
    assert!(told.contains("\"Fee\", expected \"fee\""), "{told}");
}

#[test]
fn what_the_changes_give_or_take_away_need_not_be_in_the_table() {
    let text = "payout_id,payout_cl_id,amount,create_time,update_time\nP1,c1,5,1,2\n";
    let fee = Change::Remove { name: "fee".to_owned() };
    let changes = vec![set("platform_id", "PF1"), fee, set("memo", "{n}")];
    let changed = OrderSettings { changes, ..successes(1) };
    assert_eq!(all(&mut read_by(changed, text, FileFormat::Csv)).len(), 1);
    assert!(refused(text).contains("platform_id, fee, status"));
}

#[test]
fn empty_rows_are_counted_and_no_orders() {
    let text = format!("{HEADER}\n,,,,,,,,\n{ROW}\n   \n\n\"\",\" \",,,,,,,\n,,\n{ROW}\n");
    let mut source = read_by(settings(1), text, FileFormat::Csv);
    assert_eq!(all(&mut source).len(), 2);
    assert_eq!(source.skipped_rows(), 4);
    let mut empty = read_by(settings(1), format!("{HEADER}\n,,,,,,,,\n"), FileFormat::Csv);
    assert!(next(&mut empty).is_none());
    assert_eq!(empty.skipped_rows(), 1);
    assert!(all(&mut read_by(settings(1), HEADER, FileFormat::Csv)).is_empty());
}

#[test]
fn other_encodings_are_named() {
    let text = format!("{HEADER}\r\n{ROW}\r\n");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for utf16 in [
        little.clone(),
        big.clone(),
        [vec![0xff, 0xfe], little].concat(),
        [vec![0xfe, 0xff], big].concat(),
    ] {
        assert_eq!(refused(utf16), "line 1: the file is UTF-16, expected UTF-8");
    }
    assert!(refused(b"payout_id,\xb1\xa3\n").contains("not UTF-8"));
    assert!(refused(b"PK\x03\x04\x14\x00\x06\xff,\n").contains("expected UTF-8"));
    for marked in [format!("\u{feff}{text}"), text.replace("payout_id", "\u{feff}\"payout_id\"")] {
        let orders = all(&mut read_by(settings(1), marked, FileFormat::Csv));
        assert_eq!(&*orders[0].id, "POT1");
    }
}

#[test]
fn lines_that_end_with_a_return_alone_are_counted() {
    let mut rows = source("a,b\r1,2\r\r1\r3,4\r", FileFormat::Csv);
    assert!(next(&mut rows).unwrap().is_ok());
    assert_eq!(error(&mut rows), "line 4: the row has 1 cell, the header 2");
    assert!(next(&mut rows).unwrap().is_ok());
    assert!(next(&mut rows).is_none());
    let mut long = source("a,b\n1,2\n1,2,3\n", FileFormat::Csv);
    assert!(next(&mut long).unwrap().is_ok());
    assert_eq!(error(&mut long), "line 3: the row has 3 cells, the header 2");
}

#[test]
fn a_bad_row_is_named_by_its_line() {
    let mut rows = source("a,b\n1,2\n\n1\n3,4\n", FileFormat::Csv);
    assert!(next(&mut rows).unwrap().is_ok());
    assert_eq!(error(&mut rows), "line 4: the row has 1 cell, the header 2");
    assert!(next(&mut rows).unwrap().is_ok());
    assert!(next(&mut rows).is_none());
    let mut rows = source("a,b\r\n\"1\r\n\",2\r\n\r\n1\r\n", FileFormat::Csv);
    assert!(next(&mut rows).unwrap().is_ok());
    assert_eq!(error(&mut rows), "line 5: the row has 1 cell, the header 2");
    assert!(error(&mut source("a,a\n1,2\n", FileFormat::Csv)).contains("twice"));
    let told = error(&mut source(b"a,b\n1,\xff\n", FileFormat::Csv));
    assert_eq!(told, "line 2, member \"b\": the cell is not UTF-8");
    let told = error(&mut source("a,sign_type\n1,no\n", FileFormat::Csv));
    assert!(told.starts_with("line 2: the payload cannot be signed: "), "{told}");
    let mut endless = b"a\n\"".to_vec();
    endless.resize(4 * MAX_BYTES, b'x');
    let mut rows = source(endless, FileFormat::Csv);
    assert!(error(&mut rows).contains("longer than 1048576 bytes"));
    assert!(next(&mut rows).is_none());
    assert!(next(&mut source("", FileFormat::Csv)).is_none());
}

#[test]
fn the_extension_tells_the_format() {
    assert_eq!(FileFormat::of(Path::new("a/b.CSV")), FileFormat::Csv);
    assert_eq!(FileFormat::of(Path::new("a/b")), FileFormat::Ndjson);
    assert!(FileFormat::parse("xml").is_err());
}
