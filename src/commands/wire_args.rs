//! Arguments about the connection: how a sender connects, uploads and reads.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use protocol::Layout;
use zeroize::Zeroizing;

use super::private_file::warn_if_others_can_read;
use crate::commands::args::file_hint;
use crate::commands::args::inbox::RedactArgs;
use crate::error::CommandError;
use crate::files;
use crate::mask::Untrusted;
use crate::net::client::{Client, ClientConfig, ClientError};
use crate::net::options::{
    Connections, DEFAULT_TIMEOUT, HeaderRule, Loss, RequestOptions, Upload, parse_upload_rate,
};
use crate::net::proxy::{ProxyError, ProxyRule};
use crate::net::resolve::ResolveRule;
use crate::net::target::Target;
use crate::net::tls::{Identity, TlsError, TlsSettings, Trust};
use crate::net::trace::Trace;
use crate::report::line::Line;
use crate::terminal::Console;
use crate::units::duration::parse_duration;
use crate::units::percent::Percent;

/// The longest file of certificates that is read, in bytes; a system's whole store has 0.3 MB.
const MAX_PEM_BYTES: u64 = 4 * 1024 * 1024;

/// The value of `--connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConnectionsArg {
    /// Every attempt makes its own connection.
    Fresh,
    /// Connections are kept and used again.
    Reused,
}

/// How the sender connects and writes its requests.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub struct WireArgs {
    /// Send this header, in the place of an own one; "Name:" leaves it out; several may be given.
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// Whether attempts share connections.
    #[arg(long, value_name = "WHICH")]
    pub connections: Option<ConnectionsArg>,
    /// Lose this share of the replies: the merchant is called again although it answered.
    #[arg(long, value_name = "PERCENT", value_parser = Percent::from_str)]
    pub lose_replies: Option<Percent>,
    /// Send the body no faster than this, for example 1KB/s.
    #[arg(long, value_name = "RATE", value_parser = parse_upload_rate)]
    pub upload_rate: Option<Upload>,
    /// Spread the body over this time, for example 2s.
    #[arg(long, value_name = "DURATION", value_parser = |text: &str| parse_duration(text).map(Upload::Over), conflicts_with = "upload_rate")]
    pub slow_upload: Option<Upload>,
    /// Shut the sending side down after the request, and read the reply on the other.
    #[arg(long)]
    pub half_close: bool,
    /// Send the body in chunks, without Content-Length.
    #[arg(long)]
    pub chunked: bool,
    /// Ask for a reply in gzip, and decompress it.
    #[arg(long)]
    pub accept_gzip: bool,
    /// Show of each attempt on stderr: addresses, TLS, and the heads of request and reply.
    #[arg(long, short)]
    pub verbose: bool,
    /// How the merchant is reached.
    #[command(flatten)]
    pub reach: ReachArgs,
}

/// Where and how the merchant is reached: its address, and what TLS trusts and shows.
#[derive(Clone, clap::Args, Debug, Default)]
pub struct ReachArgs {
    /// Use this address for a host and port, as curl does; several may be given.
    #[arg(long, value_name = "HOST:PORT:ADDRESS", value_parser = ResolveRule::parse)]
    pub resolve: Vec<ResolveRule>,
    /// Trust only certificates signed by one of these CAs (PEM).
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Accept any certificate: whoever answers is trusted.
    #[arg(long, conflicts_with = "cacert")]
    pub insecure: bool,
    /// Present this certificate where one is asked for (PEM).
    #[arg(long, value_name = "FILE")]
    pub client_cert: Option<PathBuf>,
    /// The private key of --client-cert (PEM); without it the key is in the certificate's file.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// Go through this proxy, or none [default: the environment's, except for private networks].
    #[arg(long, value_name = "URL|none")]
    pub proxy: Option<String>,
}

impl WireArgs {
    /// The client, and the options of its requests.
    ///
    /// `usual` applies where no flag says whether connections are shared; `seed` decides which
    /// replies are lost; `layout` is the dialect's. Warns on `console` about what is unsafe or without effect.
    pub fn connect(
        &self,
        target: &Target,
        (usual, timeout): (Connections, Option<Duration>),
        seed: u64,
        layout: &Layout,
        redacted: &RedactArgs,
        console: &mut Console,
    ) -> Result<(Client, Arc<RequestOptions>), CommandError> {
        let options = RequestOptions {
            timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
            connections: match self.connections {
                None => usual,
                Some(ConnectionsArg::Fresh) => Connections::Fresh,
                Some(ConnectionsArg::Reused) => Connections::Reused,
            },
            upload: self.upload_rate.or(self.slow_upload).unwrap_or_default(),
            is_half_closed: self.half_close,
            is_chunked: self.chunked,
            accepts_gzip: self.accept_gzip,
            loss: self.lose_replies.map(|share| Loss { share, seed }),
            headers: self.headers()?,
            ..RequestOptions::default()
        }
        .laid_out(layout);
        let trace = self.verbose.then(|| trace(redacted, console));
        self.reach.warn(target, console);
        let config = ClientConfig { trace, ..self.reach.config(console)? };
        let client = connect(target, config, console)?;
        client.permits(&options).map_err(refused_by_proxy)?;
        if client.proxy().is_some() && self.connections == Some(ConnectionsArg::Reused) {
            return Err(refused_by_proxy(ProxyError::Direct("--connections reused")));
        }
        Ok((client, Arc::new(options)))
    }

    // Not a parser of clap's: its message would quote the value, which can be a secret.
    fn headers(&self) -> Result<Vec<HeaderRule>, CommandError> {
        let parse = |text: &String| {
            HeaderRule::parse(text).map_err(|error| {
                CommandError::usage("a --header cannot be sent")
                    .because(error)
                    .hint("write --header 'Name: value'")
            })
        };
        self.header.iter().map(parse).collect()
    }
}

/// Shows the lines of each attempt without the redacted fields.
fn trace(redacted: &RedactArgs, console: &mut Console) -> Trace {
    let (show, redactor) = (console.tracer(), redacted.redactor());
    Trace::new(move |body, lines| match redactor.is_needed() {
        true => show(&redactor.clone().trace(body, lines)),
        false => show(lines),
    })
}

/// A client with this configuration; a proxy in the way is named on `console`.
pub fn connect(
    target: &Target,
    config: ClientConfig,
    console: &mut Console,
) -> Result<Client, CommandError> {
    let client = Client::try_new(target, config).map_err(|error| match error {
        ClientError::Proxy(error) => refused_by_proxy(error),
        ClientError::Tls(error) => {
            CommandError::environment("cannot set up the sender").because(error)
        }
    })?;
    if let Some(proxy) = client.proxy() {
        let host = target.host();
        let note = Line::new()
            .plain(format!("requests to {} go through the proxy ", Untrusted::new(&host)));
        console.note(&note.accent(proxy.to_string()));
    }
    Ok(client)
}

fn refused_by_proxy(error: ProxyError) -> CommandError {
    CommandError::usage("the requests cannot go through the proxy")
        .because(error)
        .hint("go without one with --proxy none, or name another with --proxy http://HOST:PORT")
}

impl ReachArgs {
    pub fn config(&self, console: &mut Console) -> Result<ClientConfig, CommandError> {
        let (resolve, tls) = (self.resolve.clone(), self.tls(console)?);
        Ok(ClientConfig { tls, resolve, proxy: self.proxy()?, ..ClientConfig::default() })
    }

    // Not a parser of clap's: its message would quote the value, which can hold a password.
    fn proxy(&self) -> Result<ProxyRule, CommandError> {
        let Some(text) = &self.proxy else { return Ok(ProxyRule::default()) };
        ProxyRule::parse(text)
            .map_err(|error| CommandError::usage("--proxy cannot be used").because(error))
            .map_err(|error| error.hint("write --proxy http://HOST:PORT, or --proxy none"))
    }

    fn tls(&self, console: &mut Console) -> Result<TlsSettings, CommandError> {
        let trust = match &self.cacert {
            Some(path) => {
                let trust = Trust::parse(&read_pem(path)?);
                trust.map_err(|error| unusable("--cacert", path, error))?
            }
            None if self.insecure => Trust::Anyone,
            None => Trust::Machine,
        };
        let identity = match &self.client_cert {
            Some(path) => {
                let certificate = read_pem(path)?;
                let key_path = self.client_key.as_ref().unwrap_or(path);
                warn_if_others_can_read("private key", key_path, key_path.metadata(), console);
                let identity = Identity::parse(&certificate, &read_pem(key_path)?);
                Some(identity.map_err(|error| match error {
                    TlsError::NoKey => unusable("--client-key", key_path, error),
                    error => unusable("--client-cert", path, error),
                })?)
            }
            None => None,
        };
        Ok(TlsSettings { trust, identity })
    }

    pub fn warn(&self, target: &Target, console: &mut Console) {
        let is_about_tls = self.insecure || self.cacert.is_some() || self.client_cert.is_some();
        if is_about_tls && !target.is_https() {
            console.warning(
                "--cacert, --insecure and --client-cert have no effect: the URL is not https",
            );
        } else if self.insecure {
            console.warning("--insecure: no certificate is checked, so anyone in between can read and answer for the merchant");
        }
    }
}

fn unusable(flag: &str, path: &Path, error: TlsError) -> CommandError {
    CommandError::usage(format!("the {flag} file {} cannot be used", Untrusted::path(&path)))
        .because(error)
        .hint(format!("give {flag} a file in PEM form, with -----BEGIN lines"))
}

fn read_pem(path: &Path) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let read = files::read_bounded(path, MAX_PEM_BYTES).map(Zeroizing::new);
    let bytes = read.map_err(|error| {
        let typed = path.to_string_lossy();
        CommandError::input(format!("cannot read {}", Untrusted::path(&path)))
            .because(error)
            .hint(file_hint(&typed, false))
    })?;
    if bytes.len() as u64 > MAX_PEM_BYTES {
        let message = format!("{} is longer than {MAX_PEM_BYTES} bytes", Untrusted::path(&path));
        return Err(CommandError::input(message).hint("is this the right file?"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io;

    use clap::Parser;

    use super::*;
    use crate::error::ErrorKind;
    use crate::settings::ColorMode;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        wire: WireArgs,
    }

    fn options(flags: &[&str]) -> Result<Arc<RequestOptions>, CommandError> {
        // The environment of the tests may name a proxy.
        let none = ["--proxy=none"]
            .iter()
            .filter(|_| !flags.iter().any(|flag| flag.starts_with("--proxy")));
        let line = ["x"].iter().chain(none).chain(flags).copied();
        let args = Line::try_parse_from(line)
            .map_err(|error| CommandError::usage(error.to_string()))?
            .wire;
        let target = Target::parse("https://shop.example/").unwrap();
        // Nobody runs these flags: a remark on them is not for the terminal of the tests.
        let mut console = Console::over(io::sink(), io::sink(), ColorMode::Never);
        let redacted = RedactArgs::default();
        args.connect(
            &target,
            (Connections::Reused, None),
            7,
            &Layout::PLATFORM,
            &redacted,
            &mut console,
        )
        .map(|(_, options)| options)
    }

    #[test]
    fn flags_become_settings() {
        let usual = options(&[]).unwrap();
        assert_eq!(usual.connections, Connections::Reused);
        assert!(usual.loss.is_none() && usual.headers.is_empty());
        let all = options(&[
            "--connections=fresh",
            "--lose-replies=5%",
            "--upload-rate=1KB/s",
            "--half-close",
            "--chunked",
            "--accept-gzip",
            "--resolve=shop.example:443:127.0.0.1",
            "--header=X-A: b",
            "--header=User-Agent:",
        ])
        .unwrap();
        assert_eq!(all.connections, Connections::Fresh);
        assert_eq!(all.upload, Upload::Rate(1000));
        assert!(all.is_half_closed && all.is_chunked && all.accepts_gzip);
        assert_eq!(all.loss, Some(Loss { share: "5%".parse().unwrap(), seed: 7 }));
        assert_eq!(all.headers.len(), 2);
    }

    #[test]
    fn wrong_flags_are_usage_errors_and_hide_values() {
        for flags in [
            &["--header=Authorization s3cret"][..],
            &["--header=X-A: s3cret\u{1}"],
            &["--lose-replies=5"],
            &["--upload-rate=1KB/s", "--slow-upload=2s"],
            &["--insecure", "--cacert=x.pem"],
            &["--client-key=x.pem"],
            &["--resolve=shop.example:127.0.0.1"],
            &["--proxy=ftp://user:s3cret@proxy.example"],
            &["--proxy=socks5://user:s3cret@proxy.example"],
            &["--proxy=user:s3cret@proxy.example:3128", "--chunked"],
            &["--proxy=proxy.example:3128", "--half-close"],
            &["--proxy=proxy.example:3128", "--slow-upload=2s"],
            &["--proxy=proxy.example:3128", "--lose-replies=5%"],
            &["--proxy=proxy.example:3128", "--connections=reused"],
            &["--proxy=proxy.example:3128", "--resolve=shop.example:443:127.0.0.1"],
        ] {
            let error = options(flags).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Usage, "{flags:?}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let missing = options(&["--cacert=/nonexistent/ca.pem"]).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::Input);
        let no_pem = concat!("--client-cert=", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(options(&[no_pem]).unwrap_err().kind, ErrorKind::Usage);
    }
}
