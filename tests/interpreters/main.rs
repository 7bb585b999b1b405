//! What needs programs that not every machine has: snippets in their languages, completions in their
//! shells, pipelines, exported load tests, example merchants, examples for test suites.
//!
//! Rust's own harness decides when it compiles which tests are ignored; this one looks at the machine
//! first. A test whose programs are missing or too old is ignored with the reason, and counted as
//! ignored in the last line.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

#[cfg(unix)]
#[path = "../cli/harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what the other tests of the program need as well")]
mod harness;

#[cfg(unix)]
mod completions;
#[cfg(unix)]
mod documents;
#[cfg(unix)]
mod explore;
#[cfg(unix)]
mod export;
#[cfg(unix)]
mod gateways;
#[cfg(unix)]
mod junit;
#[cfg(unix)]
mod mcp;
#[cfg(unix)]
mod merchants;
#[cfg(unix)]
mod need;
#[cfg(unix)]
mod packaging;
#[cfg(unix)]
mod pages;
#[cfg(unix)]
#[path = "../cli/readme/mod.rs"]
#[allow(dead_code, unused_imports, reason = "its own tests are run with those of the program")]
mod readme;
#[cfg(unix)]
mod smoke;
#[cfg(unix)]
mod snippet;
#[cfg(unix)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod testing;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    let arguments = libtest_mimic::Arguments::from_args();
    let tests = [
        completions::tests(),
        documents::tests(),
        explore::tests(),
        export::tests(),
        gateways::tests(),
        junit::tests(),
        mcp::tests(),
        merchants::tests(),
        need::tests(),
        packaging::tests(),
        pages::tests(),
        smoke::tests(),
        snippet::tests(),
        terminal::tests(),
        testing::tests(),
    ];
    libtest_mimic::run(&arguments, tests.into_iter().flatten().collect()).exit_code()
}

// The tests need what POSIX systems have: signals, a shell, file modes.
#[cfg(not(unix))]
fn main() {}
