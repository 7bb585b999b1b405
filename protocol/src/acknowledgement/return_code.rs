//! The reply of WeChat Pay v2: an XML document with `return_code` directly below the root `<xml>`.
//!
//! A refusal that is taken for an acknowledgement ends the retries of an order that the merchant did
//! not book. So the document must be well-formed, and whatever XML parsers disagree on is refused: a
//! document type, a second `return_code`, and comments or elements inside of it.

use encoding_rs::{Encoding, UTF_8};
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

#[cfg(test)]
use super::MAX_ERROR_MESSAGE;
use super::quoted_in_short;

const ROOT: &str = "xml";
const CODE: &str = "return_code";
const MESSAGE: &str = "return_msg";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReturnCode {
    pub(super) code: String,
    pub(super) message: Option<String>,
}

/// Reads a reply; what it quotes is cut to [`MAX_ERROR_MESSAGE`] characters.
pub(super) fn read(body: &[u8]) -> Result<ReturnCode, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    // XML parsers skip a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(other) = text.chars().find(|c| !is_allowed(*c)) {
        return Err(malformed(&format!("U+{:04X} is not allowed", u32::from(other))));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut document = Document::default();
    loop {
        let is_start = reader.buffer_position() == 0;
        match reader
            .read_event()
            .map_err(|error| malformed(&quoted_in_short(&error.to_string())))?
        {
            Event::Start(tag) => document.open(&tag)?,
            Event::Empty(tag) => {
                document.open(&tag)?;
                document.close();
            }
            Event::End(_) => document.close(),
            Event::Text(text) => document.text(decoded(&text)?)?,
            Event::CData(text) => document.content(decoded(&text)?)?,
            Event::GeneralRef(reference) => document.content(resolved(&reference)?.as_str())?,
            Event::Comment(_) | Event::PI(_) => document.nothing("a comment or an instruction")?,
            Event::Decl(_) if !is_start => {
                return Err(malformed("the XML declaration is not at the very beginning"));
            }
            Event::Decl(declaration) => check_encoding(&declaration, text)?,
            Event::DocType(_) => return Err("the XML has a document type declaration".to_owned()),
            Event::Eof => return document.finish(),
        }
    }
}

#[derive(Default)]
struct Document {
    depth: usize,
    has_root: bool,
    code: Option<Content>,
    message: Option<Content>,
    open: Option<&'static str>,
}

#[derive(Default)]
struct Content {
    text: String,
    space: String,
}

impl Document {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let name = tag.name();
        let name = decoded(name.as_ref())?;
        check_tag(tag, name)?;
        if self.depth == 0 && self.has_root {
            return Err(malformed("a second root element"));
        }
        if self.depth == 0 && name != ROOT {
            return Err(format!(
                "the root element is <{}>, expected <{ROOT}>",
                quoted_in_short(name)
            ));
        }
        if self.depth < 2 && tag.attributes().flatten().any(|one| one.key.as_ref() == b"xmlns") {
            return Err(format!("<{}> is in a namespace, expected none", quoted_in_short(name)));
        }
        match (self.depth, self.open) {
            (1, _) if name == CODE => {
                if self.code.replace(Content::default()).is_some() {
                    return Err(format!("<{CODE}> is there more than once"));
                }
                self.open = Some(CODE);
            }
            (1, _) if name == MESSAGE => {
                self.message = Some(Content::default());
                self.open = Some(MESSAGE);
            }
            (2.., Some(CODE)) => {
                return Err(format!("<{CODE}> has an element inside, expected text"));
            }
            _ => {}
        }
        self.has_root = true;
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 1 {
            self.open = None;
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        if self.depth == 0 && !text.chars().all(is_space) {
            return Err(match self.has_root {
                true => malformed("text after the root element"),
                false => "the body does not begin as XML".to_owned(),
            });
        }
        if text.contains("]]>") {
            return Err(malformed("]]> in text"));
        }
        let Some(content) = self.content_mut() else { return Ok(()) };
        for c in text.chars() {
            match (is_space(c), content.text.is_empty()) {
                (true, true) => {}
                (true, false) => content.space.push(c),
                (false, _) => {
                    content.text.push_str(&std::mem::take(&mut content.space));
                    content.text.push(c);
                }
            }
        }
        Ok(())
    }

    fn content(&mut self, text: &str) -> Result<(), String> {
        if self.depth == 0 {
            return Err(malformed("text outside of the root element"));
        }
        let Some(content) = self.content_mut() else { return Ok(()) };
        content.text.push_str(&std::mem::take(&mut content.space));
        content.text.push_str(text);
        Ok(())
    }

    fn nothing(&self, what: &str) -> Result<(), String> {
        match self.open {
            Some(CODE) => Err(format!("<{CODE}> has {what} inside, expected text")),
            _ => Ok(()),
        }
    }

    fn content_mut(&mut self) -> Option<&mut Content> {
        match self.open? {
            CODE => self.code.as_mut(),
            _ => self.message.as_mut(),
        }
    }

    fn finish(self) -> Result<ReturnCode, String> {
        if !self.has_root {
            return Err("the body is not XML".to_owned());
        }
        if self.depth > 0 {
            return Err(malformed("it ends before its root element does"));
        }
        let code =
            self.code.ok_or_else(|| format!("<{ROOT}> has no <{CODE}> directly below it"))?;
        let message = self.message.map(|message| quoted_in_short(message.text.trim()));
        Ok(ReturnCode {
            code: quoted_in_short(&code.text),
            message: message.filter(|message| !message.is_empty()),
        })
    }
}

/// What the reader of XML does not check of a tag by itself.
fn check_tag(tag: &BytesStart<'_>, name: &str) -> Result<(), String> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.');
    let begins = name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
    if !begins || !name.chars().all(is_name) {
        return Err(malformed(&format!("<{}> is not a name", quoted_in_short(name))));
    }
    for attribute in tag.attributes() {
        let attribute =
            attribute.map_err(|error| malformed(&quoted_in_short(&error.to_string())))?;
        let value = decoded(&attribute.value)?;
        if value.contains('<') || quick_xml::escape::unescape(value).is_err() {
            return Err(malformed(&format!(
                "an attribute of <{}> has a bare < or &",
                quoted_in_short(name)
            )));
        }
    }
    Ok(())
}

/// The text is read as UTF-8: a declaration must not give it another reading.
fn check_encoding(declaration: &BytesDecl<'_>, text: &str) -> Result<(), String> {
    let Some(label) = declaration.encoding() else { return Ok(()) };
    let label = label.map_err(|error| malformed(&quoted_in_short(&error.to_string())))?;
    let encoding = Encoding::for_label(&label);
    let reads_alike = |encoding: &'static Encoding| {
        encoding == UTF_8 || encoding.is_ascii_compatible() && text.is_ascii()
    };
    if encoding.is_some_and(reads_alike) {
        return Ok(());
    }
    let label = String::from_utf8_lossy(&label);
    Err(format!("the XML declares the encoding {:?}, expected UTF-8", quoted_in_short(&label)))
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    let name = decoded(reference)?;
    let unknown = || malformed(&format!("&{}; is unknown", quoted_in_short(name)));
    match reference.resolve_char_ref().map_err(|_| unknown())? {
        Some(c) if is_allowed(c) => Ok(c.to_string()),
        Some(_) => Err(unknown()),
        None => resolve_predefined_entity(name).map(str::to_owned).ok_or_else(unknown),
    }
}

fn decoded(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "the body is not UTF-8".to_owned())
}

fn malformed(problem: &str) -> String {
    format!("the XML is not well-formed: {}", problem)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether XML 1.0 allows a character.
fn is_allowed(c: char) -> bool {
    is_space(c) || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Result<String, String> {
        read(body.as_bytes()).map(|reply| reply.code)
    }

    #[test]
    fn the_documented_forms_are_read() {
        let documented = "<xml>\n  <return_code><![CDATA[SUCCESS]]></return_code>\n  \
                          <return_msg><![CDATA[OK]]></return_msg>\n</xml>\n";
        let reply = ReturnCode { code: "SUCCESS".into(), message: Some("OK".into()) };
        assert_eq!(read(documented.as_bytes()), Ok(reply));
        for body in [
            "<xml><return_code>SUCCESS</return_code></xml>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<xml><return_code>SUCCESS</return_code></xml>",
            "<?xml version='1.0' encoding='GBK' standalone='yes'?><xml><return_code>SUCCESS</return_code></xml>",
            "\u{feff}<xml><return_code>SUCCESS</return_code></xml>",
            " \n<xml ><return_code >\n SUCCESS\t</return_code ></xml >\n",
            "<xml><return_code> <![CDATA[SUC]]><![CDATA[CESS]]> </return_code></xml>",
            "<xml><return_code>&#83;UCCES&#x53;</return_code></xml>",
            "<xml><return_msg/><other a=\"1\"><b>x</b></other><!-- x --><return_code>SUCCESS</return_code></xml>",
            "<!-- <return_code>FAIL</return_code> --><xml><return_code>SUCCESS</return_code></xml><!-- x -->",
            "<xml><data><return_code>FAIL</return_code></data><return_code>SUCCESS</return_code></xml>",
        ] {
            assert_eq!(code(body), Ok("SUCCESS".to_owned()), "{body}");
        }
    }

    #[test]
    fn only_the_text_itself_is_the_code() {
        for (body, read) in [
            (
                "<!-- <return_code>SUCCESS</return_code> --><xml><return_code>FAIL</return_code></xml>",
                "FAIL",
            ),
            (
                "<xml><!-- <return_code>SUCCESS</return_code> --><return_code>FAIL</return_code></xml>",
                "FAIL",
            ),
            ("<xml><return_code>SUC CESS</return_code></xml>", "SUC CESS"),
            ("<xml><return_code>SUC\nCESS</return_code></xml>", "SUC\nCESS"),
            ("<xml><return_code><![CDATA[ SUCCESS ]]></return_code></xml>", " SUCCESS "),
            ("<xml><return_code>&#32;SUCCESS</return_code></xml>", " SUCCESS"),
            ("<xml><return_code>\u{a0}SUCCESS</return_code></xml>", "\u{a0}SUCCESS"),
            ("<xml><return_code/></xml>", ""),
            ("<xml><return_code value=\"SUCCESS\"></return_code></xml>", ""),
            (
                "<xml><return_code>FAIL</return_code><![CDATA[<return_code>SUCCESS</return_code>]]></xml>",
                "FAIL",
            ),
            (
                "<xml><return_code>&lt;return_code>SUCCESS</return_code></xml>",
                "<return_code>SUCCESS",
            ),
        ] {
            assert_eq!(code(body), Ok(read.to_owned()), "{body}");
        }
    }

    #[test]
    fn what_is_ambiguous_or_malformed_has_no_code() {
        const RIGHT: &str = "<return_code>SUCCESS</return_code>";
        for (body, problem) in [
            (format!("<xml>{RIGHT}{RIGHT}</xml>"), "more than once"),
            (format!("<xml>{RIGHT}<return_code>FAIL</return_code></xml>"), "more than once"),
            (format!("<xml><a>{RIGHT}</a></xml>"), "directly below"),
            ("<xml><Return_code>SUCCESS</Return_code></xml>".to_owned(), "directly below"),
            ("<xml><x:return_code>SUCCESS</x:return_code></xml>".to_owned(), "directly below"),
            (format!("<html><body>{RIGHT}</body></html>"), "root element is <html>"),
            (format!("<XML>{RIGHT}</XML>"), "root element is <XML>"),
            (RIGHT.to_owned(), "root element is <return_code>"),
            (format!("<xml xmlns=\"urn:x\">{RIGHT}</xml>"), "namespace"),
            ("<xml><return_code xmlns='urn:x'>SUCCESS</return_code></xml>".into(), "namespace"),
            (format!("<!DOCTYPE xml>{RIGHT}"), "document type"),
            (format!("<!DOCTYPE xml [<!ENTITY a \"x\">]><xml>{RIGHT}</xml>"), "document type"),
            ("<xml><return_code>&s;</return_code></xml>".into(), "&s; is unknown"),
            ("<xml><return_code>SUCCESS&#0;</return_code></xml>".into(), "unknown"),
            ("<xml><return_code>SUCCESS&#1;</return_code></xml>".into(), "unknown"),
            ("<xml><return_code>SUC<!-- x -->CESS</return_code></xml>".into(), "comment"),
            ("<xml><return_code>SUCCESS<?x y?></return_code></xml>".into(), "instruction"),
            ("<xml><return_code>SUCCESS<b/></return_code></xml>".into(), "element inside"),
            ("<xml><return_code><b>SUCCESS</b></return_code></xml>".into(), "element inside"),
            (format!("<xml>{RIGHT}"), "ends before"),
            (format!("<xml>{RIGHT}</xm"), "not well-formed"),
            (format!("<xml>{RIGHT}</html>"), "not well-formed"),
            ("<xml><return_code>SUCCESS</xml></return_code>".into(), "not well-formed"),
            ("<xml><return_code>SUCCESS</return_code>".into(), "ends before"),
            ("<xml><return_code>SUCCESS".into(), "ends before"),
            (format!("<xml>{RIGHT}</xml>x"), "text after"),
            (format!("<xml>{RIGHT}</xml><![CDATA[x]]>"), "outside"),
            (format!("<xml>{RIGHT}</xml>&amp;"), "outside"),
            (format!("x<xml>{RIGHT}</xml>"), "begin"),
            (format!("<xml>{RIGHT}</xml><xml/>"), "second root"),
            (format!("<xml>{RIGHT}</xml></xml>"), "not well-formed"),
            (format!("\n<?xml version=\"1.0\"?><xml>{RIGHT}</xml>"), "very beginning"),
            (format!("<?xml version='1.0' encoding='UTF-16'?><xml>{RIGHT}</xml>"), "encoding"),
            (format!("<?xml version='1.0' encoding='GBK'?><xml>{RIGHT}<a>é</a></xml>"), "encoding"),
            (format!("<?xml version='1.0' encoding='none'?><xml>{RIGHT}</xml>"), "encoding"),
            (format!("<xml a=\"{RIGHT}\">{RIGHT}</xml>"), "bare <"),
            (format!("<xml a='1' a='2'>{RIGHT}</xml>"), "not well-formed"),
            (format!("<xml a=1>{RIGHT}</xml>"), "not well-formed"),
            (format!("<xml a>{RIGHT}</xml>"), "not well-formed"),
            (format!("<xml><!-- a -- b -->{RIGHT}</xml>"), "not well-formed"),
            (format!("<xml>{RIGHT}<m>a & b</m></xml>"), "not well-formed"),
            (format!("<xml>{RIGHT}<m>]]></m></xml>"), "]]>"),
            (format!("<xml>{RIGHT}<1/></xml>"), "not a name"),
            (format!("<xml>{RIGHT}< a/></xml>"), "not a name"),
            (format!("<xml>{RIGHT}\u{0}</xml>"), "U+0000"),
            ("SUCCESS".to_owned(), "begin"),
            (String::new(), "not XML"),
            ("{\"return_code\":\"SUCCESS\"}".to_owned(), "begin"),
        ] {
            let read = code(&body).expect_err(&body);
            assert!(read.contains(problem), "{body}: {read}");
        }
        let utf16: Vec<u8> = format!("<xml>{RIGHT}</xml>").bytes().flat_map(|b| [b, 0]).collect();
        assert!(read(&utf16).is_err());
        assert!(read(&[&[0xff, 0xfe], &*utf16].concat()).is_err());
        assert!(read(format!("<xml>{RIGHT}<m>\u{e9}</m></xml>").as_bytes()).is_ok());
        let latin = format!("<xml>{RIGHT}<m>\u{e9}</m></xml>").replace('\u{e9}', "?").into_bytes();
        let latin: Vec<u8> = latin.iter().map(|b| if *b == b'?' { 0xe9 } else { *b }).collect();
        assert_eq!(read(&latin), Err("the body is not UTF-8".to_owned()));
    }

    #[test]
    fn depth_and_length_cost_nothing_but_time() {
        let deep = "<a>".repeat(20_000);
        assert!(code(&deep).is_err());
        let closed = format!(
            "<xml>{}{}<return_code>SUCCESS</return_code></xml>",
            "<a>".repeat(9_000),
            "</a>".repeat(9_000)
        );
        assert_eq!(code(&closed), Ok("SUCCESS".to_owned()));
        let long = format!("<xml><return_code>{}</return_code></xml>", "x".repeat(60_000));
        assert_eq!(code(&long).map(|code| code.len()), Ok(MAX_ERROR_MESSAGE));
    }

    #[test]
    fn the_message_is_the_text_directly_below_the_root() {
        const RIGHT: &str = "<return_code>SUCCESS</return_code>";
        for (message, expected) in [
            ("", None),
            ("<return_msg/>", None),
            ("<return_msg> <![CDATA[ ]]> </return_msg>", None),
            ("<return_msg> <![CDATA[ OK ]]> </return_msg>", Some("OK")),
            ("<return_msg>a<b>x</b>c</return_msg>", Some("axc")),
            ("<a><return_msg>x</return_msg></a>", None),
            ("<return_msg>old</return_msg><return_msg>new</return_msg>", Some("new")),
            ("<a><b xmlns=\"urn:x\"/></a>", None),
        ] {
            for body in
                [format!("<xml>{message}{RIGHT}</xml>"), format!("<xml>{RIGHT}{message}</xml>")]
            {
                let reply =
                    ReturnCode { code: "SUCCESS".into(), message: expected.map(str::to_owned) };
                assert_eq!(read(body.as_bytes()), Ok(reply), "{body}");
            }
        }
    }

    #[test]
    fn characters_that_xml_does_not_have_are_refused() {
        for (character, is_right) in [
            ('\u{1}', false),
            ('\u{b}', false),
            ('\u{1f}', false),
            ('\t', true),
            (' ', true),
            ('\u{7f}', true),
            ('\u{fffd}', true),
            ('\u{fffe}', false),
            ('\u{ffff}', false),
            ('\u{10000}', true),
        ] {
            let plain = format!("<xml><a>{character}</a><return_code>SUCCESS</return_code></xml>");
            let escape = format!("&#{};", u32::from(character));
            let escaped = plain.replace(character, &escape);
            let escaped = if character == ' ' { plain.clone() } else { escaped };
            for body in [plain, escaped] {
                assert_eq!(code(&body).is_ok(), is_right, "{body:?}");
            }
        }
    }
}
