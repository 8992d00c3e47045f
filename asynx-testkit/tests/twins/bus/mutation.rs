//! The ways in which the twins are broken.

use crate::proof::mutations;

// The law after "breaks" must be found broken; those after "and" may be, since the same fault shows there too.
mutations! {
    /// A pattern may match a part of the name.
    PatternsMatchParts: patterns_match_parts breaks B1;
    /// Every fortieth event is lost.
    EventsAreLost: events_are_lost breaks B1 and B2 and B3;
    /// Every fortieth event is given twice.
    EventsAreGivenTwice: events_are_given_twice breaks B1 and B2 and B3;
    /// `unsubscribe` is answered, and ends nothing.
    UnsubscribeEndsNothing: unsubscribe_ends_nothing breaks B1 and B5 and B6;
    /// Queues are never full.
    QueuesAreNeverFull: queues_are_never_full breaks B1;
    /// Some events are overtaken by the next one.
    EventsAreOvertaken: events_are_overtaken breaks B2 and B1 and B3;
    /// Of any number of aggregates events are handled at a time.
    ConcurrencyIsIgnored: concurrency_is_ignored breaks B2;
    /// A handler's end is not waited for.
    HandlersAreNotWaitedFor: handlers_are_not_waited_for breaks B2 and B1 and B3 and B4 and B5 and B6 and B7 and B8;
    /// When many events are queued, `publish` waits for their handlers.
    PublishWaitsForRoom: publish_waits_for_room breaks B3 and B2;
    /// One handler runs at a time, of all subscriptions.
    OneHandlerAtATime: one_handler_at_a_time breaks B3 and B2 and B5 and B6 and B7 and B8;
    /// The hooks are told nothing of panics.
    PanicsAreNotTold: panics_are_not_told breaks B4;
    /// Fallbacks are forgotten.
    FallbacksDoNotRun: fallbacks_do_not_run breaks B4 and B5 and B6 and B7 and B8;
    /// Handlers may take as long as they like.
    TimeoutsAreIgnored: timeouts_are_ignored breaks B4;
    /// The hooks are told nothing of timeouts.
    TimeoutsAreNotTold: timeouts_are_not_told breaks B4;
    /// A fallback's failure is told to nobody.
    FallbacksFailSilently: fallbacks_fail_silently breaks B4;
    /// Deliveries end at once.
    DeliveriesEndAtOnce: deliveries_end_at_once breaks B5;
    /// A delivery knows one subscription, which is nobody's.
    DeliveriesKnowNobody: deliveries_know_nobody breaks B5;
    /// Forget handlers run at once.
    ForgetDoesNotWait: forget_does_not_wait breaks B6 and B7;
    /// A failed forget handler is passed over.
    ForgetIsAlwaysOk: forget_is_always_ok breaks B6;
    /// What comes after the tombstone is given at once.
    NewLivesDoNotWait: new_lives_do_not_wait breaks B6 and B7;
    /// Who waits for a forget is waited for.
    ForgetWaitsForItsAncestors: forget_waits_for_its_ancestors breaks B6;
    /// Handlers run in tasks of their own, outside of any context.
    HandlersRunOutside: handlers_run_outside breaks B7 and B4 and B8;
    /// Who caused an event is forgotten.
    AncestorsAreForgotten: ancestors_are_forgotten breaks B7 and B6;
    /// `idle` ends at once.
    IdleEndsAtOnce: idle_ends_at_once breaks B8;
    /// `publish` after `close` seems to succeed.
    PublishAfterCloseIsOk: publish_after_close_is_ok breaks B8;
    /// The hooks are told nothing of what `close` dropped.
    CloseTellsNothing: close_tells_nothing breaks B8;
    /// Streams do not end.
    StreamsOutliveClose: streams_outlive_close breaks B8 and B1;
    /// `.*` means tombstones, too.
    TombstonesAreGiven: tombstones_are_given breaks B9;
}
