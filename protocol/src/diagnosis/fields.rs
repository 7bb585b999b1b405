//! Deviations in which members are signed.

use super::Deviation;
use super::Dimension::Fields;
use super::entry::{Entry, Tree};
use crate::canonical::Selection;

pub(super) struct FieldRule {
    pub(super) deviation: Deviation,
    pub(super) keep: fn(&Entry) -> bool,
}

const NON_EMPTY: &str = "only empty members are left out, besides sign and sign_type";
const ALL: &str = "every received member is signed, known or not";
const ZEROS: &str = "0, \"0\" and false are values and are signed; only \"\" and null are empty";
const ONLY_EMPTY: &str = "leave out \"\" and null only: $v !== '' && $v !== null, v !== \"\" && v != null, v not in (\"\", None)";
pub(super) const LOOP: &str =
    "loop over the members of the received JSON, not over a list or a typed object";

const fn field(
    code: &'static str,
    does: &'static str,
    rule: &'static str,
    cause: &'static str,
    fix: &'static str,
    keep: fn(&Entry) -> bool,
) -> FieldRule {
    FieldRule { deviation: Deviation::new(Fields, code, does, rule, cause, fix), keep }
}

pub(super) fn kept(entry: &Entry) -> bool {
    entry.selection == Selection::Kept
}

pub(super) const DOCUMENTED: [&str; 15] = [
    "payout_id",
    "payout_cl_id",
    "platform_id",
    "amount",
    "real_amount",
    "fee",
    "status",
    "create_time",
    "update_time",
    "error_msg",
    "sign_type",
    "sign",
    "payment_id",
    "payment_cl_id",
    "payment_cl_name",
];

pub(super) fn is_documented(entry: &Entry) -> bool {
    DOCUMENTED.contains(&entry.name.as_str())
}

fn is_zero_text(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| number == 0.0)
}

fn is_number_zero(entry: &Entry) -> bool {
    entry.number().is_some_and(is_zero_text)
}

fn is_false(entry: &Entry) -> bool {
    entry.tree == Tree::Bool(false)
}

fn is_empty_list(entry: &Entry) -> bool {
    matches!(&entry.tree, Tree::List(items) if items.is_empty())
}

fn is_empty_container(entry: &Entry) -> bool {
    is_empty_list(entry) || matches!(&entry.tree, Tree::Map(members) if members.is_empty())
}

fn is_blank(entry: &Entry) -> bool {
    entry.string().is_some_and(|text| text.trim().is_empty())
}

pub(super) static FIELD_RULES: [FieldRule; 20] = [
    field(
        "drop-zero",
        "drops zeros and false as if they were empty, \"0\" and empty arrays included",
        ZEROS,
        "PHP empty(), array_filter() without a callback, if ($v)",
        ONLY_EMPTY,
        |e| {
            kept(e)
                && !is_number_zero(e)
                && !is_false(e)
                && e.string() != Some("0")
                && !is_empty_container(e)
        },
    ),
    field(
        "drop-falsy",
        "drops the number 0 and false as if they were empty",
        ZEROS,
        "JavaScript truthiness (if (v), filter(Boolean)), PHP 7 $v != ''",
        ONLY_EMPTY,
        |e| kept(e) && !is_number_zero(e) && !is_false(e),
    ),
    field(
        "drop-falsy-containers",
        "drops the number 0, false, and empty arrays and objects as if they were empty",
        ZEROS,
        "Python `if v`, Go omitempty",
        ONLY_EMPTY,
        |e| kept(e) && !is_number_zero(e) && !is_false(e) && !is_empty_container(e),
    ),
    field(
        "drop-zero-number",
        "drops whatever equals zero, in quotes or not (\"0.00\" too)",
        ZEROS,
        "a check such as $v == 0 or float(v) == 0",
        ONLY_EMPTY,
        |e| {
            let zero = is_number_zero(e) || e.string().is_some_and(is_zero_text);
            kept(e) && !zero && !is_false(e)
        },
    ),
    field(
        "drop-loose",
        "drops 0, false and empty arrays as if they were empty",
        ZEROS,
        "JavaScript v != '', which finds 0 == ''",
        ONLY_EMPTY,
        |e| kept(e) && !is_number_zero(e) && !is_false(e) && !is_empty_list(e),
    ),
    field(
        "drop-false",
        "drops false as if it were empty",
        ZEROS,
        "PHP 8 $v != '', strlen($v), (string) $v === ''",
        ONLY_EMPTY,
        |e| kept(e) && !is_false(e),
    ),
    field(
        "keep-empty",
        "signs empty members as name=, null included",
        "members whose value is empty are left out",
        "a loop without a check for empty, implode() over all members",
        "skip members whose value is \"\" or null",
        |e| e.selection != Selection::LeftOut,
    ),
    field(
        "keep-empty-string",
        "signs members with an empty string as name=, and leaves null out",
        "members whose value is empty are left out, the empty string included",
        "a check for null only (isset, != null, is not None), http_build_query(), URLSearchParams",
        "skip members whose value is \"\" too",
        |e| kept(e) || (e.selection == Selection::Empty && e.tree != Tree::Null),
    ),
    field(
        "include-sign_type",
        "signs sign_type too",
        "sign and sign_type are left out",
        "WeChat Pay signs sign_type; here only the loop's exception for sign was written",
        "leave out both sign and sign_type",
        |e| kept(e) || (e.name == "sign_type" && !e.text.is_empty()),
    ),
    field(
        "include-sign-empty",
        "signs an empty sign (sign=)",
        "sign and sign_type are left out",
        "an object whose sign is \"\" when the string is made, and a loop that keeps empty members",
        "remove sign before the string is made",
        |e| kept(e) || e.is_signature,
    ),
    field(
        "drop-sign_type",
        "leaves sign_type out",
        "this dialect signs sign_type like any other member",
        "a rule of the platform's own family",
        "leave out only the signature itself",
        |e| kept(e) && e.name != "sign_type",
    ),
    field(
        "drop-unknown",
        "signs only the documented fields, error_msg excluded",
        ALL,
        "a DTO or struct that drops unknown members; a fixed list of fields",
        LOOP,
        |e| kept(e) && is_documented(e) && e.name != "error_msg",
    ),
    field(
        "drop-undocumented",
        "signs only the documented fields, error_msg included",
        ALL,
        "a DTO or struct that drops unknown members; a fixed list of fields",
        LOOP,
        |e| kept(e) && is_documented(e),
    ),
    field(
        "drop-nested",
        "leaves arrays and objects out",
        "arrays and objects are signed as compact JSON",
        "is_array() or typeof === 'object' in the loop",
        "sign them as compact JSON",
        |e| kept(e) && e.nested().is_none(),
    ),
    field(
        "drop-booleans",
        "leaves true and false out",
        "booleans are signed as true and false",
        "a check for strings and numbers only",
        "sign them as true and false",
        |e| kept(e) && !matches!(e.tree, Tree::Bool(_)),
    ),
    field(
        "drop-blank",
        "drops members that hold only white space",
        "a space is not empty and is signed",
        "trim() or isBlank() in the check for empty",
        "check the value itself, untrimmed",
        |e| kept(e) && !is_blank(e),
    ),
    field(
        "drop-blank-or-false",
        "drops false, and members that hold only white space",
        "a space and false are not empty and are signed",
        "PHP trim($v) === '' in the check for empty",
        ONLY_EMPTY,
        |e| kept(e) && !is_blank(e) && !is_false(e),
    ),
    field(
        "strings-only",
        "signs only members whose value is a string",
        NON_EMPTY,
        "a cast to Map<String, String> or is_string() in the loop",
        "sign numbers and booleans as they are written in the JSON",
        |e| kept(e) && e.string().is_some(),
    ),
    field(
        "scalars-as-text",
        "signs only strings and numbers",
        NON_EMPTY,
        "is_scalar() or a switch over the types that knows two of them",
        "sign booleans as true and false, arrays and objects as compact JSON",
        |e| kept(e) && e.digits().is_some(),
    ),
    field(
        "nothing",
        "signs no member at all",
        ALL,
        "an empty map: the body was not parsed, or was read before",
        "parse the JSON body; a form parser finds nothing in it",
        |_| false,
    ),
];

pub(super) fn nested(name: &str) -> Deviation {
    let mut deviation = Deviation::new(
        Fields,
        "nested-only",
        "",
        "the members of the outermost object are signed",
        "a wrapper such as {code, msg, data} whose data is unpacked first",
        "sign the members of the body as it was received",
    );
    deviation.does = format!("signs only the members of {name}").into();
    deviation
}

pub(super) fn dropped(name: &str) -> Deviation {
    let mut deviation = Deviation::new(
        Fields,
        "field-dropped",
        "",
        ALL,
        "a fixed list of fields, or a typed object without this one",
        LOOP,
    );
    deviation.does = format!("does not sign {name}").into();
    deviation
}
