//! The table of a shutdown, every phase by every event.
//!
//! The ladder only goes up, and what is owed follows from the phase alone: whoever reaches
//! [`Phase::Closing`] or a later one has answered every call and closed the server's stdin on the
//! way. That is why no effect needs a memory of whether it was done before.

use super::{Effect, Event, Phase, Trigger};

/// What follows on an event: the next phase, and what to do on the way there.
#[must_use]
pub fn step(phase: Phase, event: Event) -> (Phase, &'static [Effect]) {
    let cause = cause(event);
    match phase {
        Phase::Running => running(cause),
        Phase::Draining => draining(cause),
        Phase::Cancelling => cancelling(cause),
        Phase::Closing => closing(cause),
        Phase::Terminating => terminating(cause),
        Phase::Killing => killing(cause),
        Phase::Done => (Phase::Done, &[]),
    }
}

/// Events that the table does not tell apart are one cause.
enum Cause {
    Drain,
    Settled,
    OnlyCancelledLeft,
    PhaseOver,
    Hurry,
    Force,
    LeaderExited,
    TreeEmpty,
}

fn cause(event: Event) -> Cause {
    match event {
        Event::Begin(
            Trigger::Eof
            | Trigger::BrokenPipe
            | Trigger::HostDied
            | Trigger::Sigterm
            | Trigger::Sigint
            | Trigger::Sighup
            | Trigger::LeaseLost,
        ) => Cause::Drain,
        // Without its guard dropgate can't promise that nothing outlives it, so it hurries to
        // the end while it still can.
        Event::Begin(Trigger::Sigquit | Trigger::GuardLost) | Event::Force => Cause::Force,
        Event::Begin(Trigger::ServerExited) | Event::LeaderExited => Cause::LeaderExited,
        Event::Settled => Cause::Settled,
        Event::OnlyCancelledLeft => Cause::OnlyCancelledLeft,
        Event::PhaseOver => Cause::PhaseOver,
        Event::Hurry => Cause::Hurry,
        Event::TreeEmpty => Cause::TreeEmpty,
    }
}

fn running(cause: Cause) -> (Phase, &'static [Effect]) {
    match cause {
        Cause::Drain | Cause::Hurry => (
            Phase::Draining,
            &[Effect::StopAdmitting, Effect::CancelDoomed],
        ),
        Cause::Force => (
            Phase::Killing,
            &[
                Effect::StopAdmitting,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Kill,
            ],
        ),
        Cause::LeaderExited => (
            Phase::Terminating,
            &[
                Effect::StopAdmitting,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Terminate,
            ],
        ),
        Cause::TreeEmpty => (
            Phase::Done,
            &[
                Effect::StopAdmitting,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Report,
            ],
        ),
        Cause::Settled | Cause::OnlyCancelledLeft | Cause::PhaseOver => (Phase::Running, &[]),
    }
}

fn draining(cause: Cause) -> (Phase, &'static [Effect]) {
    match cause {
        Cause::PhaseOver | Cause::Hurry => (Phase::Cancelling, &[Effect::CancelRest]),
        Cause::OnlyCancelledLeft => (Phase::Cancelling, &[]),
        Cause::Settled => (Phase::Closing, ANSWER_AND_CLOSE),
        Cause::LeaderExited => (Phase::Terminating, ANSWER_CLOSE_TERMINATE),
        Cause::Force => (Phase::Killing, ANSWER_CLOSE_KILL),
        Cause::TreeEmpty => (Phase::Done, ANSWER_CLOSE_REPORT),
        Cause::Drain => (Phase::Draining, &[]),
    }
}

fn cancelling(cause: Cause) -> (Phase, &'static [Effect]) {
    match cause {
        Cause::PhaseOver | Cause::Hurry | Cause::Settled => (Phase::Closing, ANSWER_AND_CLOSE),
        Cause::LeaderExited => (Phase::Terminating, ANSWER_CLOSE_TERMINATE),
        Cause::Force => (Phase::Killing, ANSWER_CLOSE_KILL),
        Cause::TreeEmpty => (Phase::Done, ANSWER_CLOSE_REPORT),
        Cause::Drain | Cause::OnlyCancelledLeft => (Phase::Cancelling, &[]),
    }
}

fn closing(cause: Cause) -> (Phase, &'static [Effect]) {
    match cause {
        // The first process often is a launcher: that it is gone says nothing about the rest.
        Cause::PhaseOver | Cause::Hurry | Cause::LeaderExited => {
            (Phase::Terminating, &[Effect::Terminate])
        }
        Cause::Force => (Phase::Killing, &[Effect::Kill]),
        Cause::TreeEmpty => (Phase::Done, &[Effect::Report]),
        Cause::Drain | Cause::Settled | Cause::OnlyCancelledLeft => (Phase::Closing, &[]),
    }
}

fn terminating(cause: Cause) -> (Phase, &'static [Effect]) {
    match cause {
        Cause::PhaseOver | Cause::Force => (Phase::Killing, &[Effect::Kill]),
        Cause::TreeEmpty => (Phase::Done, &[Effect::Report]),
        Cause::Drain
        | Cause::Settled
        | Cause::OnlyCancelledLeft
        | Cause::Hurry
        | Cause::LeaderExited => (Phase::Terminating, &[]),
    }
}

fn killing(cause: Cause) -> (Phase, &'static [Effect]) {
    match cause {
        Cause::PhaseOver | Cause::TreeEmpty => (Phase::Done, &[Effect::Report]),
        Cause::Drain
        | Cause::Settled
        | Cause::OnlyCancelledLeft
        | Cause::Hurry
        | Cause::Force
        | Cause::LeaderExited => (Phase::Killing, &[]),
    }
}

const ANSWER_AND_CLOSE: &[Effect] = &[Effect::AnswerRest, Effect::CloseStdin];
const ANSWER_CLOSE_TERMINATE: &[Effect] =
    &[Effect::AnswerRest, Effect::CloseStdin, Effect::Terminate];
const ANSWER_CLOSE_KILL: &[Effect] = &[Effect::AnswerRest, Effect::CloseStdin, Effect::Kill];
const ANSWER_CLOSE_REPORT: &[Effect] = &[Effect::AnswerRest, Effect::CloseStdin, Effect::Report];
