//! Numbers printed in another way than they were written.

use super::super::numbers;
use super::{ValueRule, member};
use crate::diagnosis::entry::Entry;

type Print = fn(&str) -> Option<String>;

fn numbers_only(entry: &Entry, print: Print) -> Option<String> {
    entry.number().and_then(print)
}

fn amounts(entry: &Entry, print: Print) -> Option<String> {
    if entry.is_amount() { entry.digits().and_then(print) } else { None }
}

fn decimals(entry: &Entry, print: Print) -> Option<String> {
    entry.digits().filter(|digits| numbers::reprinted(digits).is_some()).and_then(print)
}

/// A whole number with a literal's ending.
fn integer(text: &str, ending: &str) -> Option<String> {
    text.parse::<i128>().ok().map(|_| format!("{text}{ending}"))
}

pub(super) static RULES: [ValueRule; 37] = [
    member("float-java", |e| numbers_only(e, numbers::java_double)),
    member("float-python", |e| numbers_only(e, numbers::python_float)),
    member("float-go", |e| numbers_only(e, numbers::go_float)),
    member("float-c", |e| numbers_only(e, numbers::c_float)),
    member("float-js", |e| numbers_only(e, numbers::js_number)),
    member("float-php", |e| numbers_only(e, numbers::php_number)),
    member("number-int32", |e| numbers_only(e, numbers::int32)),
    member("number-uint32", |e| numbers_only(e, numbers::uint32)),
    member("number-int32-limit", |e| numbers_only(e, numbers::int32_limit)),
    member("number-python", |e| numbers_only(e, numbers::python_number)),
    member("number-java", |e| numbers_only(e, numbers::java_number)),
    member("number-decimal", |e| numbers_only(e, numbers::big_decimal)),
    member("number-plain", |e| numbers_only(e, numbers::plain_number)),
    member("amount-float", |e| amounts(e, numbers::python_float)),
    member("amount-float-java", |e| amounts(e, numbers::java_double)),
    member("amount-two-decimals", |e| amounts(e, numbers::two_decimals)),
    member("two-decimals", |e| numbers_only(e, numbers::two_decimals)),
    member("amount-thousands", |e| amounts(e, numbers::thousands)),
    member("amount-thousands-2", |e| amounts(e, numbers::thousands_and_decimals)),
    member("decimals-reprinted", |e| decimals(e, numbers::reprinted)),
    member("truncated", |e| decimals(e, numbers::truncated)),
    member("decimals-python", |e| decimals(e, numbers::python_float)),
    member("decimals-php", |e| decimals(e, numbers::php_float)),
    member("decimals-stripped", |e| decimals(e, numbers::stripped_decimal)),
    member("amount-stripped", |e| amounts(e, numbers::stripped_decimal)),
    member("numbers-cut", |e| numbers_only(e, numbers::truncated)),
    member("yuan", |e| amounts(e, numbers::yuan)),
    member("yuan-short", |e| amounts(e, numbers::short_yuan)),
    member("yuan-float", |e| amounts(e, numbers::float_yuan)),
    member("amount-in-hundredths", |e| amounts(e, numbers::hundredfold)),
    member("number-bigint", |e| numbers_only(e, |t| integer(t, "n"))),
    member("amount-bigint", |e| amounts(e, |t| integer(t, "n"))),
    member("number-long", |e| numbers_only(e, |t| integer(t, "L"))),
    member("amount-exponent", |e| amounts(e, |t| numbers::exponent(t, 2))),
    member("amount-exponent-dotnet", |e| amounts(e, |t| numbers::exponent(t, 3))),
    member("amount-ruby", |e| amounts(e, numbers::ruby_decimal)),
    member("amount-currency", |e| amounts(e, |t| numbers::yuan(t).map(|text| format!("¥{text}")))),
];
