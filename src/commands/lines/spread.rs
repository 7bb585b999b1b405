//! The work over the cores, the output in input order.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use super::chunk::{Chunk, LineSource, LineWork};
use crate::error::CommandError;

type Item = Result<Option<Chunk>, CommandError>;

const WAITING: usize = 1;

/// Works on every line of the source and hands the chunks on in order.
///
/// With one job everything happens on this thread. Else chunks go round: a reader gives them to the
/// workers in turn, this thread takes them back in turn, and sends the empty ones to the reader. A
/// full channel stops the reader, so memory does not grow with the input.
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
    let (give_back, spare) = channel();
    let mut to_workers = Vec::new();
    let mut from_workers = Vec::new();
    let mut threads = Vec::new();
    for _ in 0..jobs {
        let (to_worker, tasks) = sync_channel(WAITING);
        let (results, from_worker) = sync_channel(WAITING);
        let work = Arc::clone(&work);
        threads.push(start(move || work_on(&*work, &tasks, &results))?);
        to_workers.push(to_worker);
        from_workers.push(from_worker);
    }
    // No scope waits for these threads: where nobody reads the output any more, the reader may
    // still hang on a slow pipe, and the run must end all the same.
    threads.push(start(move || read(source, &to_workers, &spare))?);
    for from_worker in from_workers.iter().cycle() {
        match from_worker.recv() {
            Ok(Ok(Some(mut chunk))) => {
                deliver(&mut chunk)?;
                // The reader may have ended; then the chunk is not needed.
                let _ = give_back.send(chunk);
            }
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(error),
            Err(gone) => {
                return Err(CommandError::environment("a worker ended early").because(gone));
            }
        }
    }
    for thread in threads {
        // They have nothing left to do; how they ended no longer matters.
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

fn read(mut source: LineSource, to_workers: &[SyncSender<Item>], spare: &Receiver<Chunk>) {
    for to_worker in to_workers.iter().cycle() {
        let item = source.next(spare.try_recv().unwrap_or_default());
        let is_last = !matches!(item, Ok(Some(_)));
        // Nobody takes it where the run has ended.
        if to_worker.send(item).is_err() || is_last {
            return;
        }
    }
}

fn work_on<W: LineWork>(work: &W, tasks: &Receiver<Item>, results: &SyncSender<Item>) {
    let mut scratch = W::Scratch::default();
    for mut item in tasks {
        if let Ok(Some(chunk)) = &mut item {
            chunk.work(work, &mut scratch);
        }
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
