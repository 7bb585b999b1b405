//! Numbers printed in another way than they were written.

use super::super::numbers;
use super::Writing::Member;
use super::{DIGITS, ValueRule, rule};
use crate::diagnosis::entry::Entry;

const FIX: &str = "keep the digits as text: json.Number, JSON_BIGINT_AS_STRING, parse_float=str, BigDecimal, or a parser that keeps the source";
const CENTS: &str = "sign the amount as received, in cents; convert only for the screen";

type Print = fn(&str) -> Option<String>;
type Write = fn(&Entry) -> Option<String>;

const fn number(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, DIGITS, cause, FIX, Member(write))
}

const fn cents(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, DIGITS, cause, CENTS, Member(write))
}

fn numbers_only(entry: &Entry, print: Print) -> Option<String> {
    entry.number().and_then(print)
}

fn amounts(entry: &Entry, print: Print) -> Option<String> {
    if entry.is_amount() { entry.digits().and_then(print) } else { None }
}

fn decimals(entry: &Entry, print: Print) -> Option<String> {
    entry.digits().filter(|digits| numbers::reprinted(digits).is_some()).and_then(print)
}

pub(super) static RULES: [ValueRule; 26] = [
    number(
        "float-java",
        "prints numbers as Java doubles (400000.0, 1.567614049E9)",
        "Gson into Map<String, Object>, Double.toString()",
        |e| numbers_only(e, numbers::java_double),
    ),
    number(
        "float-python",
        "prints numbers as floats (400000.0)",
        "Python str(float(x)), Ruby to_f, Swift, Kotlin Double",
        |e| numbers_only(e, numbers::python_float),
    ),
    number(
        "float-go",
        "prints numbers as Go float64 (1.567614049e+09)",
        "Go json.Unmarshal into map[string]interface{} and fmt.Sprint or %v",
        |e| numbers_only(e, numbers::go_float),
    ),
    number(
        "float-js",
        "prints numbers as JavaScript reads them (1.10 as 1.1, 1E5 as 100000, 53 bits of precision)",
        "JSON.parse() and String(v)",
        |e| numbers_only(e, numbers::js_number),
    ),
    number(
        "float-php",
        "prints decimals and large numbers as PHP reads them (1.10 as 1.1, 14 digits of precision)",
        "json_decode() without JSON_BIGINT_AS_STRING, precision=14",
        |e| numbers_only(e, numbers::php_number),
    ),
    number(
        "number-python",
        "prints decimals as Python reads them (1.10 as 1.1, 1E5 as 100000.0); whole numbers stay",
        "json.loads() and str(v)",
        |e| numbers_only(e, numbers::python_number),
    ),
    number(
        "number-java",
        "prints decimals as Java doubles (1.10 as 1.1, 1E5 as 100000.0); whole numbers stay",
        "Jackson or fastjson into Map<String, Object>",
        |e| numbers_only(e, numbers::java_number),
    ),
    number(
        "number-decimal",
        "prints numbers as BigDecimal.toString() does (1E5 as 1E+5)",
        "Java BigDecimal.toString(), C# decimal",
        |e| numbers_only(e, numbers::big_decimal),
    ),
    number(
        "number-plain",
        "writes numbers without their exponent (1E5 as 100000)",
        "BigDecimal.toPlainString(), %f, number_format()",
        |e| numbers_only(e, numbers::plain_number),
    ),
    number(
        "amount-float",
        "prints the amounts as floats (400000.0)",
        "amounts held as double, float or float64",
        |e| amounts(e, numbers::python_float),
    ),
    number(
        "amount-float-java",
        "prints the amounts as Java doubles (400000.0, 1.2E7)",
        "amounts held as double or Double",
        |e| amounts(e, numbers::java_double),
    ),
    number(
        "amount-two-decimals",
        "prints the amounts with two decimals (400000.00)",
        "number_format($x, 2, '.', ''), %.2f, toFixed(2), DecimalFormat, a DECIMAL(…,2) column",
        |e| amounts(e, numbers::two_decimals),
    ),
    number("two-decimals", "prints every number with two decimals", "%.2f over all numbers", |e| {
        numbers_only(e, numbers::two_decimals)
    }),
    number(
        "amount-thousands",
        "writes the amounts with commas between thousands (400,000)",
        "number_format($x), toLocaleString(), {:,}, %,d",
        |e| amounts(e, numbers::thousands),
    ),
    number(
        "amount-thousands-2",
        "writes the amounts with commas and two decimals (400,000.00)",
        "number_format($x, 2), %,.2f",
        |e| amounts(e, numbers::thousands_and_decimals),
    ),
    number(
        "decimals-reprinted",
        "re-prints decimals without their trailing zeros (1000.0000 as 1000)",
        "floatval(), parseFloat(), stripTrailingZeros().toPlainString(), + 0",
        |e| decimals(e, numbers::reprinted),
    ),
    number(
        "truncated",
        "cuts decimals off (1000.50 as 1000)",
        "(int), intval(), parseInt(), .longValue()",
        |e| decimals(e, numbers::truncated),
    ),
    number(
        "decimals-python",
        "re-prints decimals as floats (1000.0000 as 1000.0)",
        "Python float(x), Java Double.parseDouble(), Ruby to_f",
        |e| decimals(e, numbers::python_float),
    ),
    number(
        "decimals-php",
        "re-prints decimals as PHP prints floats (1000.0000 as 1000, 0.000001 as 1.0E-6)",
        "PHP floatval() or (float)",
        |e| decimals(e, numbers::php_float),
    ),
    number(
        "decimals-stripped",
        "strips the zeros of decimals into an exponent (1000.0000 as 1E+3)",
        "Java BigDecimal.stripTrailingZeros().toString()",
        |e| decimals(e, numbers::stripped_decimal),
    ),
    number(
        "amount-stripped",
        "strips the zeros of the amounts into an exponent (400000 as 4E+5)",
        "Java BigDecimal.stripTrailingZeros().toString()",
        |e| amounts(e, numbers::stripped_decimal),
    ),
    number(
        "numbers-cut",
        "cuts the decimals of numbers off and leaves strings alone",
        "an int or long field in a struct or class",
        |e| numbers_only(e, numbers::truncated),
    ),
    cents(
        "yuan",
        "signs the amounts in the major unit with two decimals (4000.00)",
        "a division by 100 for the screen that reaches the signature",
        |e| amounts(e, numbers::yuan),
    ),
    cents(
        "yuan-short",
        "signs the amounts in the major unit (4000, 32.5)",
        "PHP or JavaScript amount / 100",
        |e| amounts(e, numbers::short_yuan),
    ),
    cents(
        "yuan-float",
        "signs the amounts in the major unit as floats (4000.0, 32.5)",
        "Python amount / 100, Java amount / 100.0",
        |e| amounts(e, numbers::float_yuan),
    ),
    cents(
        "amount-in-hundredths",
        "multiplies the amounts by 100",
        "amounts taken for the major unit and turned into cents once more",
        |e| amounts(e, numbers::hundredfold),
    ),
];
