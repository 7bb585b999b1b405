//! Texts that are in the place of the key: printed objects, placeholders, other variables.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::Deviation;
use super::deviations::{of_payload, that_does};
use super::entry::Entry;
use super::keys::KeyRule;

/// A key as a language prints what holds it, `{K}`, and where that happens.
const PRINTED: [(&str, &str); 41] = [
    ("b'{K}'", "Python str() or an f-string over bytes: decode() is missing"),
    ("b\"{K}\"", "Python, Rust or Elixir: a bytes literal printed as text"),
    ("Optional[{K}]", "Java Optional.toString(): orElseThrow() is missing"),
    ("Optional(\"{K}\")", "Swift: an optional in string interpolation, not unwrapped"),
    ("Some({K})", "Scala Option.toString(): get or getOrElse is missing"),
    ("Some(\"{K}\")", "Rust {:?} of an Option: unwrap or ? is missing"),
    ("Ok(\"{K}\")", "Rust {:?} of a Result: ? is missing"),
    ("Right({K})", "Scala or Haskell Either, printed"),
    ("Just \"{K}\"", "Haskell show of a Maybe"),
    ("Success({K})", "Scala Try or Kotlin Result, printed"),
    ("[{K}]", "a list with one item, printed: Java List.toString(), Go fmt.Sprint() of a slice"),
    ("['{K}']", "Python: a list with one item, such as from parse_qs()"),
    ("[\"{K}\"]", "a JSON array with one item, Ruby Array#to_s"),
    ("('{K}',)", "Python: a comma after the value makes a tuple"),
    ("{{K}}", "Go fmt.Sprint() of a struct with one field"),
    ("&{{K}}", "Go fmt.Sprint() of a pointer to a struct"),
    ("{key={K}}", "Java Map.toString()"),
    ("{'key': '{K}'}", "Python: a dict, printed"),
    ("{\"key\":\"{K}\"}", "a JSON secret (AWS Secrets Manager) used whole"),
    ("{\"key\": \"{K}\"}", "a JSON secret used whole"),
    ("{\"secret\":\"{K}\"}", "a JSON secret used whole"),
    ("map[key:{K}]", "Go fmt.Sprint() of a map"),
    ("Bearer {K}", "the value of an Authorization header used whole"),
    ("bearer {K}", "the value of an Authorization header used whole"),
    ("Basic {K}", "the value of an Authorization header used whole"),
    ("Token {K}", "the value of an Authorization header used whole"),
    ("Key {K}", "the value of an Authorization header used whole"),
    (":{K}", "Ruby Symbol#inspect"),
    (":\"{K}\"", "Ruby Symbol#inspect"),
    ("`{K}`", "a key copied out of Markdown"),
    ("<{K}>", "a placeholder's brackets that were not removed"),
    ("${{K}}", "a template's braces around the value"),
    ("${K}", "a shell's or template's sign before the value"),
    ("\\\"{K}\\\"", "quotation marks escaped twice"),
    ("PAYOUT_NOTIFY_KEY={K}", "NAME=value read as the value"),
    ("={K}", "a .env line cut after its name"),
    ("{K};", "a configuration line whose end was kept"),
    ("{K},", "a configuration line whose end was kept"),
    ("{K}=", "base64 padding that was added"),
    ("{K}==", "base64 padding that was added"),
    ("%!s(string={K})", "Go fmt with a wrong verb"),
];

/// Words in the place of a key that is not there or not shown, and where they come from.
const WORDS: [(&str, &str); 62] = [
    ("[object Promise]", "JavaScript: await is missing before the function that loads the key"),
    ("[object Object]", "JavaScript: an object in a template string instead of its field"),
    ("[object Undefined]", "JavaScript Object.prototype.toString()"),
    ("[object Array]", "JavaScript Object.prototype.toString()"),
    ("[object Function]", "JavaScript Object.prototype.toString()"),
    ("[object Module]", "JavaScript: the module instead of what it exports"),
    ("[object Map]", "JavaScript: a Map in a template string"),
    ("[object AsyncFunction]", "JavaScript: an async function that was not called"),
    ("**********", "Python pydantic: str(SecretStr); get_secret_value() is missing"),
    ("SecretStr('**********')", "Python pydantic: repr(SecretStr); get_secret_value() is missing"),
    ("b'**********'", "Python pydantic: str(SecretBytes)"),
    ("SecretBytes(b'**********')", "Python pydantic: repr(SecretBytes)"),
    ("<Secret('**********')>", "Python environs or starlette: a secret's repr()"),
    ("Secret('**********')", "Python starlette: repr(Secret); str() is missing"),
    ("***", "a masked secret: CI logs, Ansible, GitHub Actions"),
    ("****", "a masked secret"),
    ("*****", "a masked secret"),
    ("******", "a masked secret: Spring Boot's env endpoint"),
    ("*******", "a masked secret"),
    ("********", "a masked secret: a settings page, Jenkins, Docker"),
    ("************", "a masked secret"),
    ("****************", "a masked secret"),
    ("[FILTERED]", "Ruby on Rails: filtered parameters"),
    ("[REDACTED]", "a redacted secret: Rust secrecy, a log filter"),
    ("<redacted>", "a redacted secret: Terraform, kubectl"),
    ("(sensitive value)", "Terraform: a sensitive output"),
    ("<sensitive>", "Terraform: a sensitive output"),
    ("REDACTED", "a redacted secret"),
    ("redacted", "a redacted secret"),
    ("[hidden]", "a redacted secret"),
    ("Secret([REDACTED alloc::string::String])", "Rust secrecy: {:?} instead of expose_secret()"),
    ("SecretBox<str>([REDACTED])", "Rust secrecy: {:?} instead of expose_secret()"),
    ("System.Security.SecureString", ".NET: ToString() of a SecureString"),
    ("System.Byte[]", ".NET: ToString() of a byte array; Encoding.UTF8.GetString() is missing"),
    ("System.Char[]", ".NET: ToString() of a char array; new string() is missing"),
    ("System.String[]", ".NET: ToString() of a string array"),
    ("System.Threading.Tasks.Task`1[System.String]", ".NET: await is missing before the call"),
    ("System.Func`1[System.String]", ".NET: a delegate that was not called"),
    ("nil", "Lua, Go or Elixir: a setting that is not set"),
    ("<nil>", "Go: fmt.Sprint of a nil value"),
    ("%!s(<nil>)", "Go: %s of a nil value"),
    ("NULL", "SQL or C: a setting that is not set"),
    ("Null", "a setting that is not set"),
    ("NaN", "JavaScript: a key turned into a number"),
    ("0", "a key turned into a number: (int), parseInt, a numeric column"),
    ("1", "a truth value in the place of the key: (bool), a numeric column"),
    ("true", "a truth value in the place of the key"),
    ("True", "a truth value in the place of the key"),
    ("false", "a truth value in the place of the key"),
    ("False", "a truth value in the place of the key"),
    ("Array", "PHP: an array turned into a string"),
    ("Object", "an object's class name in the place of the key"),
    ("Nothing", "Haskell: a setting that is not set"),
    ("Optional.empty", "Java: an empty Optional, printed"),
    ("Option(None)", "a setting that is not set, printed"),
    ("{}", "an empty object in the place of the key"),
    ("[]", "an empty list in the place of the key"),
    ("\"\"", "an empty setting with its quotation marks"),
    ("''", "an empty setting with its quotation marks"),
    ("changeme", "a template's value that was not replaced"),
    ("<coroutine>", "Python: await is missing before the call"),
    ("function", "a function that was not called"),
];

/// Names that a setting or variable for the key has.
const NAMES: &str = "\
    PAYOUT_NOTIFY_KEY KEY SECRET SECRET_KEY API_KEY APP_KEY APP_SECRET API_SECRET MERCHANT_KEY \
    MD5_KEY SIGN_KEY PAY_KEY PAYMENT_KEY PAYOUT_KEY PLATFORM_KEY NOTIFY_KEY WEBHOOK_SECRET \
    PAYOUT_SECRET PLATFORM_SECRET MERCHANT_SECRET PAYMENT_SECRET PAY_SECRET SIGN_SECRET \
    SIGNING_KEY SIGNING_SECRET NOTIFY_SECRET CALLBACK_KEY CALLBACK_SECRET GATEWAY_KEY MCH_KEY \
    WEBHOOK_KEY HMAC_KEY HMAC_SECRET PRIVATE_KEY TOKEN PASSWORD key secret secret_key api_key \
    app_key app_secret appSecret apiKey secretKey merchant_key merchantKey md5_key md5key sign_key \
    signKey signkey pay_key payKey your_key your_secret YOUR_KEY YOUR_SECRET YOUR_SECRET_KEY \
    YOUR_API_KEY your_key_here your_secret_key your-secret-key your-key-here yourkey token \
    password your-key your-secret payout.notify.key payout.key pay.key notify.key \
    platform.key vault_payout_key vault_key payout_key payout_notify_key merchant.key app.secret getKey getSecret getSecretKey loadKey xxx xxxx xxxxx xxxxxx xxxxxxxx test demo example secret123 123456";

/// How a template writes a name: `{N}`.
const TEMPLATES: [(&str, &str); 26] = [
    ("${{N}}", "a placeholder that was not expanded: single quotes, a .env file, YAML, Spring"),
    ("${N}", "a variable in single quotes, or a setting that was not expanded"),
    ("%{N}%", "a Windows variable that was not expanded"),
    ("{{{N}}}", "a template that was not rendered"),
    ("{{ {N} }}", "a template that was not rendered: Jinja, Helm, Handlebars"),
    ("${{ secrets.{N} }}", "GitHub Actions: a secret that was not expanded"),
    ("${{{N}}}", "a template that was not rendered"),
    ("$({N})", "a placeholder of Kubernetes, Azure or make that was not expanded"),
    ("{{N}}", "a format string without its argument: the f before a Python string is missing"),
    ("#{{N}}", "Ruby: #{…} in single quotes"),
    ("#{ENV[\"{N}\"]}", "Ruby: #{…} in single quotes"),
    ("#{ENV['{N}']}", "Ruby: #{…} in a text that is not interpolated"),
    ("#{ENV.fetch(\"{N}\")}", "Ruby: #{…} in single quotes"),
    ("/run/secrets/{N}", "Docker: the path of a secret in place of its content"),
    ("[Function: {N}]", "JavaScript: util.inspect of a function that was not called"),
    ("@{N}", "a placeholder that was not bound"),
    (":{N}", "a placeholder that was not bound"),
    ("<{N}>", "a placeholder of the documentation that was not replaced"),
    ("[{N}]", "a placeholder of the documentation that was not replaced"),
    ("%({N})s", "Python: % formatting without its argument"),
    ("#{ENV['{N}']}", "Ruby: #{…} in single quotes"),
    ("${process.env.{N}}", "JavaScript: ${…} in quotes that are not backticks"),
    ("process.env.{N}", "an expression in quotes"),
    ("env('{N}')", "an expression in quotes"),
    ("${env:{N}}", "a placeholder that was not expanded"),
    ("{N}", "the setting's or variable's name in quotes instead of its value"),
];

/// The texts that somebody may have taken for this key, all but the key itself.
pub(super) fn key_texts(key: &[u8], entries: &[Entry]) -> Vec<KeyRule> {
    let mut rules: Vec<KeyRule> = Vec::new();
    for (template, cause) in PRINTED {
        let shown = template.replace("{K}", "[key]");
        let deviation = described("key-printed", &shown, cause);
        rules.push(KeyRule { deviation, key: replaced(template, key) });
    }
    let mut word = |code: &str, text: &str, cause| {
        let deviation = described(code, text, cause);
        rules.push(KeyRule { deviation, key: text.as_bytes().to_vec() });
    };
    for (text, cause) in WORDS {
        word("key-word", text, cause);
    }
    for (template, cause) in TEMPLATES {
        for name in NAMES.split(' ') {
            word("key-placeholder", &template.replace("{N}", name), cause);
        }
    }
    for entry in entries {
        let [name, text] = [&entry.name, &entry.text].map(|text| of_payload(text));
        let cause = "a loop or an assignment overwrote the key's variable: foreach ($a as $key => $v), for key in data";
        let mut push = |does: String, text: &str| {
            let deviation = Deviation { cause: cause.into(), ..that_does("key-field", does) };
            rules.push(KeyRule { deviation, key: text.as_bytes().to_vec() });
        };
        push(format!("uses {name}, the name of a field, as the key"), &entry.name);
        push(
            format!("uses {name}={text}, a pair, as the key"),
            &format!("{}={}", entry.name, entry.text),
        );
        push(format!("uses the value of {name} as the key"), &entry.text);
    }
    rules.extend(numbers(key));
    rules.extend(encoded(key));
    rules.extend(parts(key));
    rules.extend(masked(key));
    rules.retain(|rule| rule.key != key && !rule.key.is_empty());
    rules
}

fn described(code: &str, shown: &str, cause: &'static str) -> Deviation {
    Deviation { cause: cause.into(), ..that_does(code, format!("uses {shown} as the key")) }
}

fn replaced(template: &str, key: &[u8]) -> Vec<u8> {
    let (before, after) = template.split_once("{K}").unwrap_or((template, ""));
    [before.as_bytes(), key, after.as_bytes()].concat()
}

/// The key's bytes as a list of numbers.
fn numbers(key: &[u8]) -> Vec<KeyRule> {
    let list = |separator: &str| key.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    [
        (format!("[{}]", list(" ")), "Go fmt.Sprint() of a []byte; string() is missing"),
        (format!("[{}]", list(", ")), "Java Arrays.toString(), Rust {:?} of bytes"),
        (list(","), "JavaScript String() of a Uint8Array"),
    ]
    .into_iter()
    .map(|(text, cause)| KeyRule {
        deviation: described("key-printed", "the key's bytes as numbers", cause),
        key: text.into_bytes(),
    })
    .collect()
}

fn encoded(key: &[u8]) -> Vec<KeyRule> {
    let text = String::from_utf8_lossy(key);
    let padded = |length: usize| {
        let mut bytes = key.to_vec();
        bytes.resize(length.max(key.len()), 0);
        bytes
    };
    let reversed: Vec<u8> = key.iter().rev().copied().collect();
    [
        (
            "the key in base64 without its padding",
            STANDARD_NO_PAD.encode(key).into_bytes(),
            "rtrim(base64_encode(…), '='), Base64.getEncoder().withoutPadding()",
        ),
        (
            "the key in URL-safe base64",
            URL_SAFE.encode(key).into_bytes(),
            "base64.urlsafe_b64encode()",
        ),
        (
            "the key in URL-safe base64 without its padding",
            URL_SAFE_NO_PAD.encode(key).into_bytes(),
            "base64url: a JWT library's encoding",
        ),
        (
            "the URL-encoded key",
            super::encodings::form_php(&text).into_bytes(),
            "urlencode() over the key",
        ),
        (
            "the URL-decoded key",
            super::encodings::form_decoded(&text).into_bytes(),
            "a key taken from a URL or form",
        ),
        (
            "the HTML-escaped key",
            super::encodings::html_escaped(&text).into_bytes(),
            "htmlspecialchars() over a settings page",
        ),
        (
            "the key with its backslashes doubled",
            super::encodings::slashes_added(&text).into_bytes(),
            "addslashes() over a settings page",
        ),
        (
            "the SHA-256 of the key",
            super::hashing::Kind::Sha256.hex(key),
            "a key that is stored hashed",
        ),
        (
            "the SHA-1 of the key",
            super::hashing::Kind::Sha1.hex(key),
            "a key that is stored hashed",
        ),
        ("the key twice", [key, key].concat(), "a key that is appended to itself"),
        ("the key in reverse", reversed, "strrev() over the key"),
        (
            "the key with a capital at its start",
            capital(&text).into_bytes(),
            "ucfirst() or a keyboard's automatic capital",
        ),
        ("the key padded to 16 bytes", padded(16), "a key padded for a cipher"),
        ("the key padded to 24 bytes", padded(24), "a key padded for a cipher"),
        ("the key padded to 32 bytes", padded(32), "a key padded for a cipher"),
        (
            "the key without its inner spaces",
            text.replace(' ', "").into_bytes(),
            "str_replace(' ', '') over the key",
        ),
    ]
    .into_iter()
    .map(|(shown, key, cause)| KeyRule { deviation: described("key-encoded", shown, cause), key })
    .collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The key as logs and settings pages show it: a few letters at its ends, and stars.
fn masked(key: &[u8]) -> Vec<KeyRule> {
    let mut rules = Vec::new();
    for (first, last) in (0..=4).flat_map(|first| (0..=4).map(move |last| (first, last))) {
        let Some(hidden) = key.len().checked_sub(first + last).filter(|hidden| *hidden > 0) else {
            continue;
        };
        for (mark, count) in [("*", 3), ("*", 4), ("*", 6), ("*", 8), ("*", hidden), (".", 3)] {
            let middle = mark.repeat(count);
            let text = [&key[..first], middle.as_bytes(), &key[key.len() - last..]];
            let cause =
                "a masked secret: a settings page, a log, an API that does not show the key";
            let deviation = described("key-word", "the key with its middle masked", cause);
            rules.push(KeyRule { deviation, key: text.concat() });
        }
    }
    rules
}

/// The longest key whose parts are tried.
const MAX_PARTS: usize = 256;

fn parts(key: &[u8]) -> Vec<KeyRule> {
    let mut rules = Vec::new();
    let length = key.len().min(MAX_PARTS);
    for count in 1..length {
        let cause = match count {
            8 => "substr($key, 0, 8), a DES key or a column of 8 characters",
            16 | 24 | 32 => "a key cut to a cipher's size, or a column of this width",
            _ => {
                "a column or an input field of this width, a special character where reading ended, an incomplete copy"
            }
        };
        let mut part = |does: String, part: &[u8]| {
            let deviation = Deviation { cause: cause.into(), ..that_does("key-part", does) };
            rules.push(KeyRule { deviation, key: part.to_vec() });
        };
        let noun = if count == 1 { "byte" } else { "bytes" };
        part(format!("uses only the first {count} {noun} of the key"), &key[..count]);
        part(format!("uses only the last {count} {noun} of the key"), &key[key.len() - count..]);
    }
    rules
}
