//! Takes apart what a far shell sends back for one message: see `shell.rs` for what the marks mean. No I/O here.

use play_core::state::{Answer, Part, Purpose, Reply, Script};

use super::shell::Mark;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    Out,
    Err,
}

/// What could be told from what came.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Whole lines that an action printed while it runs.
    Lines {
        part: usize,
        stream: Stream,
        bytes: Vec<u8>,
    },
    Done {
        part: usize,
    },
}

/// Cuts a stream at `\nMARK …\n`, however it was cut on its way.
pub struct Scanner {
    mark: Vec<u8>,
    held: Vec<u8>,
}

pub enum Piece {
    Raw(Vec<u8>),
    Told(String),
}

impl Scanner {
    pub fn new(mark: &Mark) -> Scanner {
        Scanner { mark: format!("\n{} ", mark.text()).into_bytes(), held: vec![] }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.held.extend_from_slice(bytes);
        let mut pieces = vec![];
        let mut start = 0;
        let mut at = 0;
        let raw = |from: usize, to: usize, held: &[u8]| (from < to).then(|| Piece::Raw(held[from..to].to_vec()));
        while let Some(found) = self.held[at..].iter().position(|byte| *byte == b'\n').map(|offset| at + offset) {
            let rest = &self.held[found..];
            if rest.starts_with(&self.mark) {
                let Some(end) = rest[self.mark.len()..].iter().position(|byte| *byte == b'\n') else {
                    at = found;
                    break;
                };
                pieces.extend(raw(start, found, &self.held));
                pieces.push(Piece::Told(String::from_utf8_lossy(&rest[self.mark.len()..self.mark.len() + end]).into_owned()));
                start = found + self.mark.len() + end + 1;
                at = start;
            } else if self.mark.starts_with(rest) {
                at = found;
                break;
            } else {
                at = found + 1;
            }
        }
        // All but what may be the beginning of a mark.
        let keep = if self.held.get(at) == Some(&b'\n') { at } else { self.held.len() };
        pieces.extend(raw(start, keep, &self.held));
        self.held.drain(..keep.max(start));
        pieces
    }
}

/// One part as far as it has come.
#[derive(Default)]
struct Partial {
    reply: Reply,
    told: bool,
    told_err: bool,
    /// How much of stdout and stderr went out as lines.
    shown: [usize; 2],
}

/// The answers to one message as far as they have come.
pub struct Reading {
    out: Scanner,
    err: Scanner,
    acts: Vec<bool>,
    refused: Vec<bool>,
    parts: Vec<Partial>,
    at: usize,
    at_err: usize,
    stream: Stream,
    /// What comes was printed by an action that still runs.
    live: bool,
    /// What came on stdout and stderr before the message began was meant for nobody any more.
    begun: [bool; 2],
    ended: [bool; 2],
    pub timed_out: bool,
    /// The code of the upload that was sent last, once told.
    pub uploaded: Option<i32>,
    /// What stderr gave outside of all parts: why a shell ended, perhaps.
    pub noise: Vec<u8>,
}

impl Reading {
    pub fn new(parts: &[Part], mark: &Mark) -> Reading {
        Reading {
            out: Scanner::new(mark),
            err: Scanner::new(mark),
            acts: parts.iter().map(|part| matches!(part.purpose, Purpose::Act { .. })).collect(),
            refused: parts.iter().map(|part| matches!(part.script, Script::Api(_))).collect(),
            parts: parts.iter().map(|_| Partial::default()).collect(),
            at: 0,
            at_err: 0,
            stream: Stream::Out,
            live: true,
            begun: [false; 2],
            ended: [false; 2],
            timed_out: false,
            uploaded: None,
            noise: vec![],
        }
    }

    pub fn out(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = vec![];
        for piece in self.out.feed(bytes) {
            match piece {
                Piece::Raw(bytes) if self.begun[0] => self.raw(self.at, self.stream, &bytes, &mut events),
                Piece::Raw(_) => {}
                Piece::Told(told) => self.told(&told, &mut events),
            }
        }
        events
    }

    pub fn err(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = vec![];
        for piece in self.err.feed(bytes) {
            match piece {
                Piece::Raw(bytes) if self.begun[1] && self.at_err < self.parts.len() => {
                    self.raw(self.at_err, Stream::Err, &bytes, &mut events)
                }
                Piece::Raw(bytes) => self.noise.extend(bytes),
                Piece::Told(told) if told == "x" => {
                    if let Some(part) = self.parts.get_mut(self.at_err) {
                        part.told_err = true;
                    }
                    self.done(self.at_err, &mut events);
                    self.at_err += 1;
                }
                Piece::Told(told) => {
                    self.begun[1] |= told == "b";
                    self.ended[1] |= told == ".";
                }
            }
        }
        events
    }

    fn raw(&mut self, index: usize, stream: Stream, bytes: &[u8], events: &mut Vec<Event>) {
        let Some(part) = self.parts.get_mut(index) else { return };
        match stream {
            Stream::Out => part.reply.out.extend_from_slice(bytes),
            Stream::Err => part.reply.err.extend_from_slice(bytes),
        }
        if self.acts[index] && self.live && index == self.at {
            events.extend(lines(part, index, stream, false));
        }
    }

    fn told(&mut self, told: &str, events: &mut Vec<Event>) {
        let (word, rest) = told.split_once(' ').unwrap_or((told, ""));
        match word {
            "b" => self.begun[0] = true,
            "o" => self.stream = Stream::Out,
            "e" => self.stream = Stream::Err,
            "f" => (self.stream, self.live) = (Stream::Out, false),
            "t" => self.timed_out = true,
            "u" => self.uploaded = Some(rest.parse().unwrap_or(1)),
            "x" => {
                if let Some(part) = self.parts.get_mut(self.at) {
                    part.reply.code = rest.parse().unwrap_or(-1);
                    part.told = true;
                }
                self.done(self.at, events);
                self.at += 1;
                (self.stream, self.live) = (Stream::Out, true);
            }
            "." => self.ended[0] = true,
            _ => {}
        }
    }

    fn done(&mut self, index: usize, events: &mut Vec<Event>) {
        let Some(part) = self.parts.get_mut(index).filter(|part| part.told && part.told_err) else { return };
        if part.shown != [0, 0] {
            events.extend(lines(part, index, Stream::Out, true));
            events.extend(lines(part, index, Stream::Err, true));
        }
        events.push(Event::Done { part: index });
    }

    /// All parts are answered, or known not to run.
    pub fn is_over(&self) -> bool {
        self.ended == [true, true]
    }

    /// The part that runs, or that will run next.
    pub fn current(&self) -> usize {
        self.at
    }

    /// The answers so far, in order; where all is over, also that what is left was skipped.
    pub fn answers(self) -> Vec<Answer> {
        let over = self.is_over();
        // a part whose code is known has ended; where the shell was killed just then, only the end mark of its second stream lacks
        let whole = self.parts.iter().take_while(|part| part.told).count();
        let count = self.parts.len();
        let mut answers: Vec<Answer> = vec![];
        for (part, refused) in self.parts.into_iter().zip(self.refused).take(whole) {
            answers.push(match refused {
                true => Answer::Refused(String::from("a host cannot answer requests to an API server")),
                false => Answer::Shell(part.reply),
            });
        }
        if over {
            answers.resize(count, Answer::Skipped);
        }
        answers
    }
}

/// What was not shown yet: up to the last line break, or all.
fn lines(part: &mut Partial, index: usize, stream: Stream, all: bool) -> Option<Event> {
    let (bytes, shown) = match stream {
        Stream::Out => (&part.reply.out, &mut part.shown[0]),
        Stream::Err => (&part.reply.err, &mut part.shown[1]),
    };
    let new = &bytes[*shown..];
    let length = if all { new.len() } else { new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
    *shown += length;
    (length > 0).then(|| Event::Lines { part: index, stream, bytes: bytes[*shown - length..*shown].to_vec() })
}

impl Reading {
    /// What was complained about outside of any part.
    pub fn complaint(&self) -> String {
        super::session::last_line(&self.noise)
    }
}
