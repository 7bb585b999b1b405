//! Orders from a file.

use std::io::Cursor;

use protocol::MAX_BYTES;

use super::*;
use crate::sender::orders::file::rows;

fn read_by(settings: OrderSettings, text: impl Into<Vec<u8>>, format: FileFormat) -> Orders {
    read_as(settings, signer(), text, format)
}

fn read_as(
    settings: OrderSettings,
    signer: BodySigner,
    text: impl Into<Vec<u8>>,
    format: FileFormat,
) -> Orders {
    let plan = OrderPlan { source: OrderSource::Pipe, settings };
    let mut orders = Orders::new(plan, Some(signer), Source::ended());
    let expected = orders.maker.expected().unwrap();
    let skipped = Arc::clone(&orders.skipped_rows);
    let rows = rows(Box::new(Cursor::new(text.into())), format, &expected, skipped);
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
fn a_cell_has_the_type_of_its_field() {
    let text = "payout_id,amount,ok,memo\r\nP1,1.10,true,\"a, \"\"b\"\"\nc\"\r\n007,-1,null,\r\n";
    assert_eq!(
        bodies(text, FileFormat::Csv),
        [
            "{\"payout_id\":\"P1\",\"amount\":1.10,\"ok\":\"true\",\"memo\":\"a, \\\"b\\\"\\nc\"",
            "{\"payout_id\":\"007\",\"amount\":-1,\"ok\":\"null\",\"memo\":\"\""
        ]
    );
    let body = |name: &str, cell: &str| {
        bodies(&format!("{name},x\n{cell},x\n"), FileFormat::Csv)[0].replace(",\"x\":\"x\"", "")
    };
    let texts = ["payout_id", "payout_cl_id", "platform_id", "error_msg"];
    let deposits = ["payment_id", "payment_cl_id", "payment_cl_name"];
    for name in texts.iter().chain(&deposits).chain(&["memo", "number", "a:b", "json"]) {
        for cell in ["20160806151343349021", "1e5", "7", "007", "true", "null", "1.5", ""] {
            assert_eq!(body(name, cell), format!("{{\"{name}\":\"{cell}\""));
        }
    }
    for name in ["amount", "real_amount", "fee", "status", "create_time", "update_time"] {
        for cell in ["0", "-1", "400000", "1.10", "1e5", "99999999999999999999"] {
            assert_eq!(body(name, cell), format!("{{\"{name}\":{cell}"));
        }
        for cell in ["007", "", "null", "true", "2024-01-02", "1_000", " 5"] {
            assert_eq!(body(name, cell), format!("{{\"{name}\":\"{cell}\""));
        }
    }
}

#[test]
fn a_column_of_json_holds_what_its_cells_say() {
    let json =
        |cell: &str| format!("payout_id,extra :JSON\nP1,\"{}\"\n", cell.replace('"', "\"\""));
    for cell in ["1.10", "true", "null", "[12345, 67890]", "{\"a\":{\"b\":[]}}", "\"x\"", "\"\""] {
        let told = bodies(&json(cell), FileFormat::Csv);
        assert_eq!(told, [format!("{{\"payout_id\":\"P1\",\"extra\":{cell}")]);
    }
    for cell in ["", "007", "x", "1,2", "1,\"w\":2", "1}", "{\"a\":1,\"a\":2}", "NaN"] {
        let told = error(&mut source(json(cell), FileFormat::Csv));
        let found = format!("line 2, member \"extra\": expected JSON, found {cell:?}");
        assert_eq!(told, found);
    }
    // It overrides the type of a documented field, and is the field for the header's rules.
    let text = format!(
        "{}\n{}\n",
        HEADER.replace("amount,real", "amount:json,real"),
        ROW.replacen("400000", "\"\"\"x\"\"\"", 1)
    );
    let orders = all(&mut read_by(settings(1), text, FileFormat::Csv));
    assert!(String::from_utf8_lossy(&orders[0].body).contains("\"amount\":\"x\""));
    assert!(refused("memo,memo:json\n").contains("lacks"));
    assert!(error(&mut source("memo,memo:json\n", FileFormat::Csv)).contains("\"memo\" twice"));
    assert!(error(&mut source("memo,:json\n", FileFormat::Csv)).contains("column 2"));
}

#[test]
fn integers_of_the_platform_are_numbers() {
    for cell in ["4000,00", "007", "", "null", "x", "1_000", " 5", "2024-01-02", "\u{0661}"] {
        let text = format!("{HEADER}\n{}\n", ROW.replacen("400000", &format!("\"{cell}\""), 1));
        let told = refused_row(&text);
        assert_eq!(told, format!("line 2, member \"amount\": expected a number, found {cell:?}"));
    }
    // What is changed or removed anyway may be anything.
    let text = format!("{HEADER}\n{}\n", ROW.replacen("400000", "x", 1));
    let changed = OrderSettings { changes: vec![set("amount", "5")], ..settings(1) };
    assert_eq!(all(&mut read_by(changed, text, FileFormat::Csv)).len(), 1);
    // In the fork times are texts.
    let text = format!("{HEADER}\n{}\n", ROW.replace("1567614049", "2019-09-04T16:20:49Z"));
    assert_eq!(all(&mut read_as(settings(1), signer_of("fork"), text, FileFormat::Csv)).len(), 1);
}

fn refused_row(text: &str) -> String {
    error(&mut read_by(settings(1), text, FileFormat::Csv))
}

#[test]
fn commas_semicolons_and_tabs_are_found() {
    let table = format!("{HEADER}\n{ROW}\n");
    let expected = all(&mut read_by(settings(1), table.clone(), FileFormat::Csv));
    let read = |text: String| all(&mut read_by(settings(1), text, FileFormat::Csv));
    for separator in [",", ";", "\t"] {
        let other = table.replace(',', separator);
        let quoted = format!(
            "\"{}\"\n{}\n",
            HEADER.replace(',', &format!("\"{separator}\"")),
            ROW.replace(',', separator)
        );
        for text in [
            other.clone(),
            quoted,
            format!("\n\r\n{other}"),
            other.replace('\n', "\r\n"),
            other.replace('\n', "\r"),
        ] {
            assert_eq!(read(text.clone()), expected, "{text:?}");
            assert_eq!(read(format!("\u{feff}{text}")), expected, "{text:?}");
        }
    }
    for (separator, line) in
        [(";", "sep=;"), (",", "SEP=,"), ("\t", "sep=\t"), ("|", "\"sep=|\""), (";", "\"Sep=;\"")]
    {
        for end in ["\n", "\r\n", "\r", "\n\n"] {
            let text = format!("{line}{end}{}", table.replace(',', separator));
            assert_eq!(read(text.clone()), expected, "{text:?}");
            assert_eq!(read(format!("\u{feff}{text}")), expected, "{text:?}");
        }
    }
    // A name in which another separator is: only one gives the fields.
    let named = format!("{HEADER};amount (EUR, gross)\n{ROW};1,5\n").replace(',', ";");
    let named = named.replace("EUR; gross", "EUR, gross").replace(";1;5", ";1,5");
    assert_eq!(read(named).len(), 1);
    let rows =
        format!("{HEADER};memo\n{ROW};4000,00\n").replace(',', ";").replace("4000;00", "4000,00");
    assert!(String::from_utf8_lossy(&read(rows)[0].body).contains("\"memo\":\"4000,00\""));
}

#[test]
fn a_quote_in_a_name_does_not_swallow_rows() {
    for names in ["5\" memo;x", "x\"y;x", "\"a\nb\";x", "\"a \"\"b\"\" c\";x", "x\"y;\"a\nb\""] {
        let text = format!("payout_id;{names}\nP1;1;\nP2;2\";\nP3;3;\n");
        assert_eq!(all(&mut source(text.clone(), FileFormat::Csv)).len(), 3, "{text}");
    }
    // As many blank lines as there may be.
    let blank = "\n".repeat(3 * MAX_BYTES);
    assert_eq!(all(&mut source(format!("{blank}payout_id\nP1\n"), FileFormat::Csv)).len(), 1);
}

#[test]
fn two_separators_that_fit_are_refused() {
    for (text, names) in [
        ("a;b,c\n1;2,3\n", "\",\" and \";\""),
        ("payout_id\tamount,fee\n", "\",\" and a tab"),
        ("a,b;c\td\n", "\",\" and \";\" and a tab"),
    ] {
        let mut source = source(text, FileFormat::Csv);
        let told = error(&mut source);
        assert_eq!(told, format!("line 1: {names} may separate the columns"));
        assert!(next(&mut source).is_none());
    }
    assert!(refused("payout_id;payout_cl_id;amount,5\n").contains("\";\""));
    assert_eq!(all(&mut source("sep=;\na;b,c\n1;2,3\n", FileFormat::Csv)).len(), 1);
    assert_eq!(all(&mut source("\"a;b\",c\n1,3\n", FileFormat::Csv)).len(), 1);
}

#[test]
fn another_separator_is_named_with_the_fields_that_are_missing() {
    let text = format!("{HEADER}\n{ROW}\n").replace(',', "|");
    let told = refused(text.clone());
    assert!(told.contains("separated by \"|\", expected a comma"), "{told}");
    assert!(told.contains("the required fields payout_id, payout_cl_id, "), "{told}");
    // A dialect whose fields nobody knows has columns, too.
    assert!(error(&mut source(text.clone(), FileFormat::Csv)).contains("\"|\""));
    assert_eq!(refused(format!("\u{feff}{text}")), told);
    let quoted = format!("\"{}\"", HEADER.replace(',', "\"|\""));
    assert!(refused(quoted).contains("\"|\""));
    for other in [":", " ", "^", "\u{ff0c}", "~"] {
        let told = refused(HEADER.replace(',', other));
        assert!(told.contains(&format!("separated by \"{other}\"")), "{told}");
    }
    // A line that names another one than the header has.
    let told = refused(format!("sep=;\n{HEADER}\n{ROW}\n"));
    assert!(told.contains("line 2: the columns are separated by \",\", expected \";\""), "{told}");
    for line in ["sep=", "sep=x", "sep=;;", "sep=\u{ff0c}", "sep=;,,,"] {
        let told = refused(format!("{line}\n{HEADER}\n{ROW}\n"));
        assert!(told.starts_with("line 1: the line \"sep="), "{told}");
        assert!(told.contains("expected a comma, a semicolon, a tab or \"|\""), "{told}");
    }
}

#[test]
fn lines_are_counted_from_the_beginning_of_the_file() {
    for start in ["", "\n\r\n", "sep=,\n", "sep=,\r\n\n"] {
        let before = start.matches('\n').count() as u64;
        let table = format!("{start}{HEADER},\"a\nb\"\n{ROW},1\n{ROW}\n");
        let mut rows = read_by(settings(1), table, FileFormat::Csv);
        assert!(next(&mut rows).unwrap().is_ok());
        let told = error(&mut rows);
        assert_eq!(told, format!("line {}: the row has 9 cells, the header 10", before + 4));
        let told = refused(format!("{start}payout_id,fee\n"));
        assert!(told.starts_with(&format!("line {}: the header lacks", before + 1)), "{told}");
    }
    let long = [b"a,\"".to_vec(), vec![b'x'; 2 * MAX_BYTES]].concat();
    assert!(refused(long).contains("longer than 1048576 bytes"));
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
