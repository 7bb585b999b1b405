//! The work over the cores, the output in input order.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::chunk::{Chunk, LineSource, LineWork};
use crate::error::CommandError;

type Item = Result<Option<Chunk>, CommandError>;

/// How many chunks each worker has: one that it fills while another one is written.
const CHUNKS: usize = 2;

/// Works on every line of the source and hands the chunks on in order.
///
/// With one job everything happens on this thread. Else each worker reads a chunk of its own, so that
/// its lines are near the core that works on them, and this thread takes the chunks in the order in
/// which they were read. A worker whose chunks are all waiting waits too, so memory does not grow with
/// the input.
pub(super) fn spread<W: LineWork>(
    source: LineSource,
    work: W,
    jobs: usize,
    deliver: impl FnMut(&mut Chunk) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    if jobs <= 1 { alone(source, &work, deliver) } else { together(source, work, jobs, deliver) }
}

fn alone<W: LineWork>(
    mut source: LineSource,
    work: &W,
    mut deliver: impl FnMut(&mut Chunk) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut scratch = W::Scratch::default();
    let mut spare = Chunk::default();
    while let Some(mut chunk) = source.next(spare)? {
        chunk.work(work, &mut scratch);
        deliver(&mut chunk)?;
        spare = chunk;
    }
    Ok(())
}

fn together<W: LineWork>(
    source: LineSource,
    work: W,
    jobs: usize,
    mut deliver: impl FnMut(&mut Chunk) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let work = Arc::new(work);
    let source = Arc::new(Mutex::new(Some(source)));
    let (in_turn, turns) = channel();
    let mut workers = Vec::new();
    let mut threads = Vec::new();
    for worker in 0..jobs {
        let (results, from_worker) = channel();
        let (give_back, spare) = channel();
        for _ in 0..CHUNKS {
            // The other end is right here, so it cannot fail.
            let _ = give_back.send(Chunk::default());
        }
        let (source, work, in_turn) = (Arc::clone(&source), Arc::clone(&work), in_turn.clone());
        let next = move |chunk| {
            // Where another worker panicked while it read, nothing more can be read.
            let mut source = source.lock().ok()?;
            let item = source.as_mut()?.next(chunk);
            if !matches!(item, Ok(Some(_))) {
                *source = None;
            }
            in_turn.send(worker).ok()?;
            Some(item)
        };
        // No scope waits for these threads: where nobody reads the output any more, one of them may
        // still hang on a slow pipe, and the run must end all the same.
        threads.push(start(move || work_on(&*work, next, &spare, &results))?);
        workers.push((from_worker, give_back));
    }
    drop(in_turn);
    loop {
        let item = turns.recv().and_then(|worker| {
            let (from_worker, give_back) = &workers[worker];
            Ok((from_worker.recv()?, give_back))
        });
        match item {
            Ok((Ok(Some(mut chunk)), give_back)) => {
                deliver(&mut chunk)?;
                // The worker may have ended; then the chunk is not needed.
                let _ = give_back.send(chunk);
            }
            Ok((Ok(None), _)) => break,
            Ok((Err(error), _)) => return Err(error),
            Err(gone) => {
                return Err(CommandError::environment("a worker ended early").because(gone));
            }
        }
    }
    // Those that wait for a chunk have nothing left to do.
    drop(workers);
    for thread in threads {
        // How they ended no longer matters.
        let _ = thread.join();
    }
    Ok(())
}

fn start(run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, CommandError> {
    thread::Builder::new().spawn(run).map_err(|error| {
        CommandError::environment("cannot start a worker thread")
            .because(error)
            .hint("use fewer --jobs")
    })
}

fn work_on<W: LineWork>(
    work: &W,
    next: impl Fn(Chunk) -> Option<Item>,
    spare: &Receiver<Chunk>,
    results: &Sender<Item>,
) {
    let mut scratch = W::Scratch::default();
    while let Ok(chunk) = spare.recv()
        && let Some(mut item) = next(chunk)
    {
        if let Ok(Some(chunk)) = &mut item {
            chunk.work(work, &mut scratch);
        }
        // Nobody takes it where the run has ended.
        if results.send(item).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::tests::{Numbered, Pieces};
    use super::*;
    use std::io::{self, Read};

    #[test]
    fn the_order_is_kept_by_any_number_of_jobs() {
        let pieces: Vec<String> = (1..=200).map(|number| format!("l{number}\n")).collect();
        let expected: String = (1..=200).map(|number| format!("{number}:l{number}\n")).collect();
        for jobs in [1, 2, 3, 16] {
            let source = LineSource::new(Pieces::of(&pieces), "test".into());
            let mut output = String::new();
            spread(source, Numbered, jobs, |chunk| {
                output.push_str(&chunk.output.text);
                Ok(())
            })
            .unwrap();
            assert_eq!(output, expected, "{jobs}");
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }

    #[test]
    fn what_was_read_before_an_error_is_delivered() {
        for jobs in [1, 2] {
            let source = Pieces::of(&["a\n", "b\n"]).chain(Broken);
            let mut output = String::new();
            let error = spread(LineSource::new(source, "test".into()), Numbered, jobs, |chunk| {
                output.push_str(&chunk.output.text);
                Ok(())
            })
            .unwrap_err();
            assert_eq!(error.to_string(), "cannot read test: unplugged");
            assert_eq!(output, "1:a\n2:b\n");
        }
    }

    #[test]
    fn an_output_that_breaks_ends_the_run_before_an_endless_input() {
        for jobs in [1, 2] {
            let source = LineSource::new(io::repeat(b'\n'), "test".into());
            let broken = spread(source, Numbered, jobs, |_| {
                Err(CommandError::output(io::ErrorKind::BrokenPipe.into()))
            });
            assert!(broken.is_err());
        }
    }
}
