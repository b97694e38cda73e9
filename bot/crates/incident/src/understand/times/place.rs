//! Places a time phrase on the calendar: the window, how to say it back, and what had to be assumed.

use evidence::answer::QuestionKind;
use evidence::{Time, TimeWindow};
use jiff::SignedDuration;
use jiff::civil::Date;

use super::day::{Day, Part};
use super::phrase::{Phrase, Phrases, Point};
use super::{anchor, in_zone};
use crate::clock;
use crate::understand::{Context, Error, Known, Overrides};
use crate::windows;

/// Half the length of the window around an instant.
const AROUND: SignedDuration = SignedDuration::from_mins(15);

#[derive(Debug)]
pub(in crate::understand) struct Placed {
    pub(in crate::understand) window: Option<TimeWindow>,
    pub(in crate::understand) said: String,
    pub(in crate::understand) chosen: bool,
    pub(in crate::understand) baseline: Option<TimeWindow>,
    pub(in crate::understand) moment: Option<Time>,
}

pub(in crate::understand) fn place(
    phrases: Phrases,
    known: &Known<'_>,
    services: &[String],
    overrides: &Overrides,
    before: Option<&Context>,
    kind: QuestionKind,
    notes: &mut Vec<String>,
) -> Result<Placed, Error> {
    let mut placer = Placer { known, end: anchor(known).0, stale: anchor(known).1, moment: None, notes };
    let baseline = placer.baseline(overrides)?;
    let fixed = overrides.from.is_some() || overrides.to.is_some() || overrides.at.is_some();
    let (ends, said) = if fixed {
        (Some(placer.fixed(overrides)), None)
    } else {
        match phrases.window {
            Some(phrase) => placer.phrase(phrase, services, before),
            None => (placer.carried_on(before, kind), None),
        }
    };
    let chosen = ends.is_some();
    let window = match ends {
        Some((from, to)) => Some(placer.window(from, to)?),
        None => known.reach.map(|_| placer.default_window()),
    };
    let said = match (&window, said) {
        (_, Some(said)) => said,
        (None, None) => "no time: the index is empty".to_owned(),
        (Some(window), None) if chosen => clock::span(*window, known.now, &known.zone),
        (Some(window), None) => format!("the last hour of data ({})", clock::span(*window, known.now, &known.zone)),
    };
    let baseline = baseline.or_else(|| placer.compared(phrases.baseline?, window?));
    let moment = placer.moment;
    Ok(Placed { window, said, chosen, baseline, moment })
}

struct Placer<'a, 'k> {
    known: &'a Known<'k>,
    /// Where relative times count from.
    end: Time,
    stale: bool,
    moment: Option<Time>,
    notes: &'a mut Vec<String>,
}

type Ends = (Time, Time);

impl Placer<'_, '_> {
    fn default_window(&mut self) -> TimeWindow {
        if self.stale {
            self.note_old_data();
        }
        self.notes.push("no time was given, so this is about the last hour of data".to_owned());
        TimeWindow::new(self.end.minus(windows::DEFAULT_LENGTH), self.end).unwrap_or_else(|_| TimeWindow::all())
    }

    fn note_old_data(&mut self) {
        if let Some((_, last)) = self.known.reach {
            let said = clock::at(last, self.known.now, &self.known.zone);
            self.notes.push(format!("the newest record is from {said}, so time is counted back from there"));
        }
    }

    fn baseline(&self, overrides: &Overrides) -> Result<Option<TimeWindow>, Error> {
        match (overrides.baseline_from, overrides.baseline_to) {
            (None, None) => Ok(None),
            (from, to) => {
                let from = from.unwrap_or_else(|| self.known.reach.map_or(Time::MIN, |(first, _)| first));
                self.checked(from, to.unwrap_or(self.known.now)).map(Some)
            }
        }
    }

    /// What the window is compared with, when the words say so: the same hours of another day or week, or just that time.
    fn compared(&mut self, phrase: Phrase, window: TimeWindow) -> Option<TimeWindow> {
        let day_of = |time: Time| time.to_timestamp().to_zoned(self.known.zone.clone()).date();
        let shifted = |days: i64| {
            let shift = SignedDuration::from_hours(24 * days);
            (window.from().minus(shift), window.to().minus(shift))
        };
        let (from, to) = match phrase {
            Phrase::Of(day, Part::Whole) if window.length() <= SignedDuration::from_hours(24) => {
                let date = day.date(day_of(self.known.now))?;
                shifted(i64::from(date.until(day_of(window.from())).ok()?.get_days()))
            }
            Phrase::Week(back) if window.length() <= SignedDuration::from_hours(24 * 7) => shifted(7 * back),
            phrase => self.phrase(phrase, &[], None).0?,
        };
        let baseline = TimeWindow::new(from, to).ok()?;
        let is_apart = baseline.to() <= window.from() || baseline.from() >= window.to();
        let said = clock::span(baseline, self.known.now, &self.known.zone);
        if is_apart {
            self.notes.push(format!("compared with {said}"));
        } else {
            self.notes.push(format!("{said} overlaps what is asked about, so the time just before serves to compare"));
        }
        is_apart.then_some(baseline)
    }

    fn fixed(&mut self, overrides: &Overrides) -> Ends {
        let hour = windows::DEFAULT_LENGTH;
        match (overrides.from, overrides.to, overrides.at) {
            (Some(from), Some(to), _) => (from, to),
            (Some(from), None, _) => (from, self.end.max(from.plus(SignedDuration::from_secs(1)))),
            (None, Some(to), _) => (to.minus(hour), to),
            (None, None, Some(at)) => {
                self.moment = Some(at);
                (at.minus(AROUND), at.plus(AROUND).min(self.known.now.max(at.plus(SignedDuration::from_secs(1)))))
            }
            (None, None, None) => (self.end.minus(hour), self.end),
        }
    }

    /// A question without a time in a conversation is about the time that was chosen before; "is it fixed?" is about that
    /// time until now. The last hour of data, which nobody chose, moves on.
    fn carried_on(&mut self, before: Option<&Context>, kind: QuestionKind) -> Option<Ends> {
        let window = before?.window?;
        if !before?.window_chosen && kind != QuestionKind::IsItFixed {
            return None;
        }
        if kind != QuestionKind::IsItFixed {
            self.notes.push("about the same time as before; say `in the last hour` for now".to_owned());
        }
        match kind {
            QuestionKind::IsItFixed => Some((window.from(), self.end.max(window.to()))),
            _ => Some((window.from(), window.to())),
        }
    }

    fn phrase(
        &mut self,
        phrase: Phrase,
        services: &[String],
        before: Option<&Context>,
    ) -> (Option<Ends>, Option<String>) {
        let ends = match phrase {
            Phrase::Last(length) => {
                if self.stale {
                    self.note_old_data();
                }
                let said = format!("the last {}", said_length(length));
                return (Some((self.end.minus(length), self.end)), (!self.stale).then_some(said));
            }
            Phrase::Since(point) => Some((self.instant(&point), self.end)),
            Phrase::Before(point) => {
                let to = self.instant(&point);
                Some((to.minus(windows::DEFAULT_LENGTH), to))
            }
            Phrase::Between(first, second) => Some(self.between(&first, &second)),
            Phrase::Around(point) => {
                let at = self.instant(&point);
                self.moment = Some(at);
                Some((at.minus(AROUND), at.plus(AROUND)))
            }
            Phrase::Of(day, part) => Some(self.part_of(day, part)),
            Phrase::Week(back) => Some(self.week(back)),
            Phrase::SinceChange | Phrase::AroundChange => {
                let change = self.latest_change(services);
                if change.is_none() {
                    self.notes
                        .push("no change is recorded that this could mean; `firstline deploy record` adds one".into());
                }
                let around = matches!(phrase, Phrase::AroundChange);
                change.map(|at| if around { (at.minus(AROUND), at.plus(AROUND)) } else { (at, self.end) })
            }
            Phrase::SinceOnset => {
                before.and_then(|before| before.onset.or(before.window.map(TimeWindow::from))).map(|at| (at, self.end))
            }
            Phrase::BeforeThat => before.and_then(|before| before.window).map(|window| {
                let earlier = window.before(SignedDuration::ZERO);
                (earlier.from(), earlier.to())
            }),
        };
        (ends, None)
    }

    fn latest_change(&mut self, services: &[String]) -> Option<Time> {
        let of_these = |service: &String| services.is_empty() || services.contains(service);
        let changes = self.known.changes.iter().filter(|change| of_these(&change.service) && change.at < self.end);
        let latest = changes.max_by_key(|change| change.at)?;
        let said = clock::at(latest.at, self.known.now, &self.known.zone);
        self.notes.push(format!("“the deploy” is read as {} {} at {said}", latest.service, latest.version));
        Some(latest.at)
    }

    fn between(&mut self, first: &Point, second: &Point) -> Ends {
        let from = self.instant(first);
        let to = match second {
            Point::Of(day, part) => self.part_of(*day, *part).1,
            second => self.instant(second),
        };
        let clocks_only = matches!((first, second), (Point::At { day: a, .. }, Point::At { day: b, .. }) if a == b);
        if from < to || !clocks_only {
            return (from, to);
        }
        // "from 11pm to 1am" crosses midnight, "from 15:00 to 14:00" is a slip.
        let day = SignedDuration::from_hours(24);
        let half = SignedDuration::from_hours(12);
        let day_named = matches!(first, Point::At { day: Some(_), .. });
        if from.since(to) >= half {
            return if day_named || to.plus(day) <= self.end { (from, to.plus(day)) } else { (from.minus(day), to) };
        }
        (from, to)
    }

    fn instant(&mut self, point: &Point) -> Time {
        match point {
            Point::Now => self.end,
            Point::Instant(time) => *time,
            Point::Ago(length) => {
                if self.stale {
                    self.note_old_data();
                }
                self.end.minus(*length)
            }
            Point::Of(day, part) => self.part_of(*day, *part).0,
            Point::At { day, clock } => {
                let zone = clock.zone.as_ref().unwrap_or(&self.known.zone);
                let today = self.today(zone);
                let on = |date: Date| in_zone(date.to_datetime(clock.time), zone).unwrap_or(self.end);
                match day {
                    Some(day) => on(day.date(today).unwrap_or(today)),
                    None => {
                        let here = on(today);
                        // A clock time that is still to come was yesterday's.
                        let slack = SignedDuration::from_mins(1);
                        if here <= self.end.plus(slack) { here } else { today.yesterday().map_or(here, on) }
                    }
                }
            }
        }
    }

    /// The day that clock times are on: today, or the day of the newest record when that is old.
    fn today(&self, zone: &jiff::tz::TimeZone) -> Date {
        self.end.to_timestamp().to_zoned(zone.clone()).date()
    }

    fn part_of(&mut self, day: Day, part: Part) -> Ends {
        let zone = self.known.zone.clone();
        // "today" and "yesterday" are the asker's days, whatever day the records end.
        let today = self.known.now.to_timestamp().to_zoned(zone.clone()).date();
        let date = day.date(today).unwrap_or(today);
        let (first, last) = part.hours();
        let midnight = |date: Date| in_zone(date.to_datetime(jiff::civil::Time::midnight()), &zone).unwrap_or(self.end);
        let hour = |hours: i64| match hours {
            0 => midnight(date),
            24 => date.tomorrow().map_or(self.end, midnight),
            hours => {
                let time = jiff::civil::Time::new(i8::try_from(hours.rem_euclid(24)).unwrap_or(0), 0, 0, 0)
                    .unwrap_or_default();
                let date = if hours < 0 { date.yesterday().unwrap_or(date) } else { date };
                in_zone(date.to_datetime(time), &zone).unwrap_or(self.end)
            }
        };
        (hour(first), hour(last))
    }

    fn week(&mut self, back: i64) -> Ends {
        let zone = self.known.zone.clone();
        let today = self.today(&zone);
        let into_week = i64::from(today.weekday().to_monday_zero_offset());
        let (from, _) = self.part_of(Day::Ago(into_week + 7 * back), Part::Whole);
        let to = if back == 0 { self.end } else { self.part_of(Day::Ago(into_week + 7 * (back - 1)), Part::Whole).0 };
        (from, to)
    }

    /// A window that has begun, cut at now.
    fn window(&mut self, from: Time, to: Time) -> Result<TimeWindow, Error> {
        let window = self.checked(from, to)?;
        let now = self.known.now;
        let newest = self.known.reach.map_or(now, |(_, last)| now.max(last));
        if window.from() > newest {
            let say = |time| clock::at(time, now, &self.known.zone);
            return Err(Error::Future { from: say(from), now: say(now) });
        }
        if let Some((first, last)) = self.known.reach
            && (last < window.from() || first >= window.to())
        {
            let say = |time| clock::at(time, now, &self.known.zone);
            self.notes.push(format!(
                "records reach from {} to {}, none of them lies in this window",
                say(first),
                say(last)
            ));
        }
        Ok(TimeWindow::new(window.from(), window.to().min(Time(newest.0 + 1)).max(Time(window.from().0 + 1)))
            .unwrap_or(window))
    }

    fn checked(&self, from: Time, to: Time) -> Result<TimeWindow, Error> {
        let say = |time| clock::at(time, self.known.now, &self.known.zone);
        TimeWindow::new(from, to).map_err(|_| {
            if from >= self.known.now {
                Error::Future { from: say(from), now: say(self.known.now) }
            } else {
                Error::Inverted { from: say(from), to: say(to) }
            }
        })
    }
}

/// `20 minutes`, `hour`, `2 hours`: as a person would say it back.
fn said_length(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(1);
    let of = |size: i64, unit: &str| match seconds / size {
        1 => unit.to_owned(),
        n => format!("{n} {unit}s"),
    };
    match seconds {
        s if s % 86_400 == 0 && s > 86_400 => of(86_400, "day"),
        s if s % 3_600 == 0 => of(3_600, "hour"),
        s if s % 60 == 0 => of(60, "minute"),
        _ => of(1, "second"),
    }
}
