//! What the hands do to let another program take over, and what they do when they are that program: see `upgrade`.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::clock::now;
use super::super::control::Control;
use super::super::engine::Left;
use super::super::failure::words;
use super::super::handover::{Handover, LeftEngine, LeftHook};
use super::super::outcome::Outcome;
use super::super::report::{Unfit, unfit, untrusted, unwilling};
use super::super::request::News;
use super::super::supervise::succession::Known;
use super::super::supervise::{Seen, Supervisor};
use super::Hands;
use crate::control::{Answer, answer::Matter};
use crate::platform::{self, Execution, Program, Signal, Started, Successor};
use crate::protocol::{Hook, Role, Time};

/// The one word of a program that is to say whether it could take over what is on its standard input.
pub(in super::super) const TRIAL: &str = "--take-over";
/// What it says if it could.
pub(in super::super) const WILLING: &str = "ucarp takes over 1";
/// Names the descriptor of what is handed over, to a program that does take over.
pub(in super::super) const VARIABLE: &str = "UCARP_TAKES_OVER";
/// How long a program may take to say whether it could.
const TRIAL_TIME: Duration = Duration::from_secs(5);
/// How long is waited for a moment in which nothing is half done.
const QUIET: Duration = Duration::from_secs(10);
/// How soon is looked again.
const SOON: Duration = Duration::from_millis(10);
/// What is read of what it says.
const LONGEST_WORD: usize = 300;
/// How many pieces of it are read in a turn.
const MOST_AT_ONCE: usize = 64;

/// An upgrade that was asked for.
pub(super) struct Upgrade {
    client: u32,
    program: PathBuf,
    until: Time,
    /// The program that is tried; nothing, once it was willing.
    trial: Option<Trial>,
}

struct Trial {
    started: Started,
    output: Option<File>,
    said: Vec<u8>,
    /// Who writes what it reads.
    writer: u32,
}

/// What hands know that go on where those of another program were.
pub(in super::super) struct Before {
    pub(in super::super) version: String,
    /// The process, and by what it knows that there are hands.
    pub(in super::super) engine: (u32, OwnedFd),
    /// The roles that it told last, and when.
    pub(in super::super) roles: Vec<Role>,
    pub(in super::super) beat: Time,
    pub(in super::super) last: Vec<Option<Hook>>,
    pub(in super::super) ahead: Vec<u32>,
    pub(in super::super) hooks: Vec<LeftHook>,
    pub(in super::super) news: Vec<News>,
    pub(in super::super) over: Vec<u32>,
    pub(in super::super) client: Option<u32>,
    /// What was read last was not taken over.
    pub(in super::super) refused: bool,
}

/// An upgrade that is over once the engine works.
pub(super) struct Succeeded {
    from: String,
    client: Option<u32>,
    /// When the engine before was ended.
    since: Time,
}

impl Hands {
    /// Somebody asks for it.
    pub(super) fn upgrade(&mut self, client: u32, user: u32, now: Time) {
        let begun = if self.upgrade.is_some() || self.succeeded.is_some() {
            Err(unfit(Unfit::Underway))
        } else if self.asked_by.is_some() {
            Err(unfit(Unfit::Ending))
        } else if self.served().is_none() {
            return self.control.answer(client, &[Answer::new(Matter::NoEngine, &[])], now);
        } else {
            self.try_program(client, now)
        };
        match begun {
            Ok(upgrade) => {
                self.report.upgrade_asked(user, &upgrade.program);
                self.upgrade = Some(upgrade);
            }
            Err(why) => self.refuse_upgrade(client, &why, now),
        }
    }

    fn refuse_upgrade(&mut self, client: u32, why: &str, now: Time) {
        self.report.not_upgraded(why);
        self.control.answer(client, &[Answer::new(Matter::NotUpgraded, &[&why])], now);
    }

    /// What is served, if that is so in earnest.
    fn served(&self) -> Option<(Vec<Role>, Time)> {
        self.supervisor.served().filter(|_| self.engine.is_some() && self.readiness.is_none())
    }

    fn try_program(&mut self, client: u32, now: Time) -> Result<Upgrade, String> {
        let program = self.life.program.clone().ok_or_else(|| unfit(Unfit::NoProgram))?;
        platform::trust(&program).map_err(|why| untrusted(&program, &why))?;
        let trial = self.begin_trial(&program, client).map_err(|error| words(&error))?;
        Ok(Upgrade { client, program, until: now + TRIAL_TIME, trial: Some(trial) })
    }

    fn begin_trial(&mut self, program: &Path, client: u32) -> io::Result<Trial> {
        let (handover, left) = self.left(client)?;
        platform::leave_no_more(&left);
        let (document, writer) = self.written(&handover)?;
        let (output, far) = platform::pipe_to_read()?;
        let tried = Program::new(program, [TRIAL.as_ref()], [(VARIABLE, None)])?;
        match tried.start_reading(document.as_fd(), Some(far.as_fd()), Some(far.as_fd())) {
            Ok(started) => Ok(Trial { started, output: Some(output.into()), said: Vec::new(), writer }),
            Err(error) => {
                self.let_end(writer);
                Err(error)
            }
        }
    }

    /// A pipe from which this can be read, and the copy of this process that writes it.
    fn written(&mut self, handover: &Handover) -> io::Result<(OwnedFd, u32)> {
        let document = handover.document(env!("CARGO_PKG_VERSION"));
        let (reader, writer) = platform::pipe_that_waits()?;
        // To be dropped in one of the two processes, and used in the other.
        let (mut reader, mut writer) = (Some(reader), Some(writer));
        let pid = platform::split_off(c"handover", || {
            reader = None;
            // Whoever only writes must not keep the engine from hearing that the hands are gone, and answers nobody.
            (self.engine, self.control) = (None, Control::default());
            let written = writer.take().map(|writer| File::from(writer).write_all(&document));
            u8::from(!matches!(written, Some(Ok(()))))
        })?;
        reader.map(|reader| (reader, pid)).ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Everything that is handed over, and the numbers of the descriptors that are left open for it.
    fn left(&self, client: u32) -> io::Result<(Handover, Vec<i32>)> {
        let (Some((roles, beat)), Some(engine)) = (self.served(), &self.engine) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let (doors, client) = self.control.leave(client)?;
        let handover = Handover {
            life: self.life.clone(),
            blocked: platform::blocked_at_start(),
            roster: self.rules.roster().clone(),
            warned: self.warned.iter().cloned().collect(),
            previous: self.previous.clone(),
            refused: self.refused,
            ahead: self.ahead.clone(),
            claims: self.claims.leave()?,
            pidfile: self.pidfile.as_ref().map(platform::PidFile::leave).transpose()?,
            doors,
            client,
            engine: LeftEngine {
                pid: engine.pid,
                channel: platform::leave_open(engine.channel.as_fd())?,
                roles,
                beat,
                last: self.supervisor.last_hooks(),
            },
            hooks: self.children.leave(),
            news: self.children.heralds.leave(),
            over: self.children.checks.pids().collect(),
        };
        let numbers = handover.descriptors();
        Ok((handover, numbers))
    }

    /// What becomes readable when the program that is tried said something.
    pub(super) fn tried(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let trial = self.upgrade.iter().filter_map(|upgrade| upgrade.trial.as_ref());
        trial.flat_map(|trial| {
            trial.started.report().into_iter().chain(trial.output.as_ref().map(AsFd::as_fd))
        })
    }

    /// The processes that are about it.
    pub(super) fn tried_pids(&self) -> impl Iterator<Item = u32> + '_ {
        let trial = self.upgrade.iter().filter_map(|upgrade| upgrade.trial.as_ref());
        trial.map(|trial| trial.started.pid())
    }

    /// When to look at it whatever the descriptors say.
    pub(super) fn upgrade_due(&self, now: Time) -> Option<Time> {
        let upgrade = self.upgrade.as_ref()?;
        Some(if upgrade.trial.is_some() { upgrade.until } else { upgrade.until.min(now + SOON) })
    }

    /// Goes on with it.
    pub(super) fn look_at_upgrade(&mut self, now: Time) {
        if self.succeeded.is_some() && (self.over.is_some() || self.supervisor.does_without_engine()) {
            let client = self.succeeded.take().and_then(|succeeded| succeeded.client);
            let no_engine = [Answer::new(Matter::NoEngine, &[])];
            client.into_iter().for_each(|client| self.control.answer(client, &no_engine, now));
        }
        let Some(Upgrade { client, program, until, trial }) = self.upgrade.take() else { return };
        if self.asked_by.is_some() {
            trial.into_iter().for_each(|trial| self.end_tried(&trial));
            return self.refuse_upgrade(client, &unfit(Unfit::Ending), now);
        }
        let outcome: Result<Infallible, String> = match trial {
            Some(mut trial) => match trial.verdict(&program) {
                None if now < until => {
                    self.upgrade = Some(Upgrade { client, program, until, trial: Some(trial) });
                    return;
                }
                None => {
                    self.end_tried(&trial);
                    Err(unwilling(&program, "", None))
                }
                Some(Err(why)) => {
                    self.end_tried(&trial);
                    Err(why)
                }
                Some(Ok(())) => {
                    self.end_tried(&trial);
                    self.upgrade = Some(Upgrade { client, program, until: now + QUIET, trial: None });
                    return self.look_at_upgrade(now);
                }
            },
            None if self.is_quiet() => {
                self.hand_over(&program, client).map_err(|error| format!("{}: {error}", program.display()))
            }
            None if now < until => {
                self.upgrade = Some(Upgrade { client, program, until, trial: None });
                return;
            }
            None => Err(unfit(Unfit::Busy)),
        };
        let Err(why) = outcome;
        self.refuse_upgrade(client, &why, now);
    }

    fn end_tried(&mut self, trial: &Trial) {
        platform::kill_group(trial.started.pid(), true);
        for pid in [trial.started.pid(), trial.writer] {
            self.let_end(pid);
        }
    }

    /// Whether nothing is half done that the other program would not know of.
    fn is_quiet(&self) -> bool {
        let engine = self.engine.as_ref();
        self.children.are_settled()
            && self.reading.pid().is_none()
            && !self.control.is_awaited()
            && engine.is_some_and(|engine| engine.untold.is_empty() && !engine.channel.is_behind())
            && self.served().is_some()
    }

    /// Becomes the other program. If nothing comes of it, everything is as it was.
    fn hand_over(&mut self, program: &Path, client: u32) -> io::Result<Infallible> {
        let (handover, mut left) = self.left(client)?;
        let written = self.written(&handover).and_then(|(document, writer)| {
            left.push(platform::leave_open(document.as_fd())?);
            Ok((document, writer))
        });
        let (document, writer) = written.inspect_err(|_| platform::leave_no_more(&left))?;
        let number = document.as_raw_fd().to_string();
        let failed = Successor::new(program, (VARIABLE, &number)).and_then(|successor| successor.succeed());
        platform::leave_no_more(&left);
        drop(document);
        self.let_end(writer);
        failed
    }

    /// Begins as the program that has taken over: with another engine in the place of the one that serves.
    pub(super) fn succeed(&mut self, before: Before) {
        let Before {
            version,
            engine: (pid, channel),
            roles,
            beat,
            last,
            ahead,
            hooks,
            news,
            over,
            client,
            refused,
        } = before;
        self.refused = refused;
        self.ahead = ahead;
        self.ahead.resize(self.rules.roster().len(), 0);
        self.control.roles.clone_from(&roles);
        over.into_iter().for_each(|pid| platform::kill_group(pid, true));
        hooks.into_iter().for_each(|hook| self.children.inherit(hook));
        self.children.heralds.inherit(news);
        let entries = self.rules.roster().entries().iter().zip(0..=u16::MAX);
        let known = entries.map(|(entry, number)| Known {
            plan: entry.plan(),
            role: roles.get(usize::from(number)).copied().unwrap_or(Role::Init),
            running: self.children.running(number),
            last: last.get(usize::from(number)).copied().flatten(),
        });
        let known: Vec<Known> = known.collect();
        self.supervisor = Supervisor::succeeding(known, beat, now());
        let left = Left { roles, hooks: self.children.all().collect(), silent: now().since(beat) };
        let started = self.start_engine_after(left, (pid, channel));
        self.succeeded = Some(Succeeded { from: version, client, since: now() });
        if let Err(error) = started {
            self.report.engine_unstartable(&error, now());
            self.see(Seen::NotStarted, now());
        }
        self.note_managed(|_, _| true);
        // What came of children while nobody listened.
        self.take_signal(Signal::Child, now());
    }

    /// The engine works.
    pub(super) fn upgraded(&mut self, now: Time) {
        let Some(Succeeded { from, client, since }) = self.succeeded.take() else { return };
        let version = env!("CARGO_PKG_VERSION");
        self.report.upgraded(&from, version, now.since(since));
        let answer = [Answer::new(Matter::Upgraded, &[&from, &version])];
        client.into_iter().for_each(|client| self.control.answer(client, &answer, now));
    }
}

impl Trial {
    /// What it comes to, once it has ended.
    fn verdict(&mut self, program: &Path) -> Option<Result<(), String>> {
        let mut piece = [0; LONGEST_WORD];
        // Whoever never stops has his time, and not ours.
        for _ in 0..MOST_AT_ONCE {
            let Some(output) = &mut self.output else { break };
            match output.read(&mut piece) {
                Ok(0) => self.output = None,
                Ok(count) => {
                    let room = LONGEST_WORD.saturating_sub(self.said.len());
                    self.said.extend(piece.iter().take(count.min(room)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.output = None,
            }
        }
        if let Execution::Refused(why) = self.started.execution() {
            return Some(Err(format!("{}: {why}", program.display())));
        }
        // What it said is there before it has ended; whatever it left running may hold the other end.
        let status = match platform::reap(self.started.pid()) {
            Ok(ended) => Outcome::from(ended?),
            Err(_) => Outcome::Unknown,
        };
        let room = LONGEST_WORD.saturating_sub(self.said.len()) as u64;
        self.output.iter_mut().for_each(|output| _ = output.take(room).read_to_end(&mut self.said));
        let said = String::from_utf8_lossy(&self.said);
        Some(match said.lines().last().map(str::trim) {
            Some(WILLING) if status == Outcome::Exited(0) => Ok(()),
            said => Err(unwilling(program, said.unwrap_or_default(), Some(status))),
        })
    }
}
