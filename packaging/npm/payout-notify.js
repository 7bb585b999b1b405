#!/usr/bin/env node
// Starts the program of the package that npm has chosen for this system, and ends as it ends.
'use strict';

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const base = `payout-notify-${process.platform}-${process.arch}`;
const program = process.platform === 'win32' ? 'payout-notify.exe' : 'payout-notify';
// Older versions of npm install both of Linux; only one of them can be started.
const packages = process.platform === 'linux' ? [base, `${base}-musl`] : [base];
// A terminal sends these to the program as well, and a second one ends it at once.
const sentByTerminals = ['SIGINT', 'SIGHUP'];
const hasTerminal = [0, 1, 2].some((descriptor) => require('node:tty').isatty(descriptor));

function installed(name) {
  try {
    return require.resolve(`${name}/${program}`);
  } catch {
    return undefined;
  }
}

function fail(happened, hint) {
  console.error(`error: ${happened}\n  hint: ${hint}`);
  process.exitCode = 4;
}

function start([path, ...others]) {
  const forward = (signal) => {
    if (!hasTerminal || !sentByTerminals.includes(signal)) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // Before the start: a signal that comes at once must not end this process alone.
  for (const signal of signals) process.on(signal, forward);
  const child = spawn(path, process.argv.slice(2), { stdio: 'inherit' });
  const stop = () => signals.forEach((signal) => process.removeListener(signal, forward));
  child.on('error', (error) => {
    stop();
    if (error.code === 'ENOENT' && others.length > 0) start(others);
    else fail(`cannot start ${path}: ${error.message}`, `npm install --force ${base}`);
  });
  child.on('exit', (code, signal) => {
    stop();
    // Where the signal does not end this process (Windows, SIGPIPE), the code says it.
    process.exitCode = signal ? 128 + constants.signals[signal] : code;
    if (signal) process.kill(process.pid, signal);
  });
}

const found = packages.map(installed).filter(Boolean);
if (found.length > 0) {
  start(found);
} else if (Object.keys(require('./package.json').optionalDependencies).includes(base)) {
  fail(`the package ${base} is not installed`, 'npm install --include=optional payout-notify');
} else {
  fail(
    `there is no program for ${process.platform} on ${process.arch}`,
    'cargo install payout-notify',
  );
}
