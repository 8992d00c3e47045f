//! The ways in which the twins are broken.

use crate::proof::mutations;

// The law after "breaks" must be found broken; those after "and" may be, since the same fault shows there too.
mutations! {
    /// An append at the head's version is answered by success.
    TakenVersionsSucceed: taken_versions_succeed breaks S1 and S4 and E1 and E4 and L5;
    /// A group that begins at a taken version is stored from its first free version on.
    GroupsSkipTakenVersions: groups_skip_taken_versions breaks S1 and L1 and L2 and L3 and L5 and S4 and S6;
    /// The first range read after an append does not know of it.
    RangesAreStale: ranges_are_stale breaks S2;
    /// Appends to different streams at the same time conflict.
    DisjointAppendsConflict: disjoint_appends_conflict breaks S3 and L2;
    /// Some groups are stored and answered as not applied.
    StoredIsToldAsNotApplied: stored_is_told_as_not_applied breaks S4 and S2;
    /// Some groups are answered as not applied and stored a moment later.
    StoredAfterNotApplied: stored_after_not_applied breaks S4 and S7 and S2;
    /// An id that the stream has is taken again.
    TakenIdsAreStored: taken_ids_are_stored breaks S5;
    /// Where the version is taken too, the duplicate is told as a conflict.
    VersionIsCheckedBeforeId: version_is_checked_before_id breaks S5;
    /// Of a group with a taken id the events before it are stored.
    GroupsStopAtTakenIds: groups_stop_at_taken_ids breaks S5;
    /// The ids of erased events are free again.
    ErasedIdsAreFree: erased_ids_are_free breaks S5 and E5;
    /// The outcomes of a large batch come in another order.
    OutcomesAreTurnedRound: outcomes_are_turned_round breaks S6;
    /// A group with a gap is stored up to it, and nothing is told.
    PrefixesAreNotTold: prefixes_are_not_told breaks S6;
    /// Records end after 64 KiB.
    LargeRecordsAreCut: large_records_are_cut breaks S7;
    /// An append beyond the version after the head succeeds.
    GapsAreTaken: gaps_are_taken breaks S7;
    /// Counts begin at the first version.
    CountsIgnoreTheirVersion: counts_ignore_their_version breaks S8;
    /// The largest count is taken for none.
    LargestRangeIsEmpty: largest_range_is_empty breaks S8;
    /// Reads begin before their version.
    ReadsBeginTooEarly: reads_begin_too_early breaks S8 and S11;
    /// Ranges begin after their version.
    RangesBeginTooLate: ranges_begin_too_late breaks S8 and S2 and S9 and E2 and E3 and L7;
    /// The caller's buffer is used again once the caller has dropped it.
    BuffersAreUsedAgain: buffers_are_used_again breaks S9;
    /// A dropped append leaves its stream locked.
    DroppedAppendsLeaveALock: dropped_appends_leave_a_lock breaks S10;
    /// A percent sign is an underscore.
    PatternCharactersAreOne: pattern_characters_are_one breaks S11;
    /// Heads are told apart in small letters.
    HeadsAreOfOneCase: heads_are_of_one_case breaks S11 and E3 and E4;
    /// Category and id are joined by a slash.
    CategoryAndIdAreJoined: category_and_id_are_joined breaks S11;
    /// The log cuts names at 100 bytes.
    NamesAreCut: names_are_cut breaks S11;
    /// Snapshots outlive their stream.
    DeletesLeaveSnapshots: deletes_leave_snapshots breaks S12;
    /// Deleting what is not there fails.
    DeletingNothingFails: deleting_nothing_fails breaks S12 and S10;
    /// Heads come in the order of their streams.
    HeadsAreSorted: heads_are_sorted breaks S13;
    /// The look-up happens before the head is read.
    LookUpsAreOlderThanHeads: look_ups_are_older_than_heads breaks S13;
    /// Loads never say that they were cut.
    LoadsNeverSayMore: loads_never_say_more breaks S14;
    /// A load from a version gives what is below the floor.
    LoadsReachBelowTheFloor: loads_reach_below_the_floor breaks S14;
    /// An older snapshot replaces a newer one.
    OlderSnapshotsReplace: older_snapshots_replace breaks N1 and N3;
    /// Where a schema has no snapshot, another's is given.
    AnySchemaWillDo: any_schema_will_do breaks N2;
    /// A snapshot of the same version is not replaced.
    EqualSnapshotsStay: equal_snapshots_stay breaks N2;
    /// A late put brings back what was deleted.
    LatePutsAreTaken: late_puts_are_taken breaks N3;
    /// A delete of snapshots hits every stream.
    DeletesHitAllSnapshots: deletes_hit_all_snapshots breaks N4;
    /// No erasure is ever pending.
    NothingIsPending: nothing_is_pending breaks E1 and E3;
    /// A tombstone in a batch is no tombstone.
    TombstonesInBatchesAreMissed: tombstones_in_batches_are_missed breaks E1;
    /// A tombstone hides the old life at once.
    OldLifeIsHiddenAtOnce: old_life_is_hidden_at_once breaks E2 and E3;
    /// A load gives the snapshot of the old life.
    OldSnapshotIsLoaded: old_snapshot_is_loaded breaks E2;
    /// The log still has the payload of what was erased.
    LogKeepsPayloads: log_keeps_payloads breaks E3 and E5 and E6;
    /// Snapshots outlive an erasure.
    ErasuresLeaveSnapshots: erasures_leave_snapshots breaks E3;
    /// Erasing again fails.
    ErasingAgainFails: erasing_again_fails breaks E3;
    /// An erasure takes the next life along.
    ErasuresTakeTheNextLife: erasures_take_the_next_life breaks E3;
    /// Where nothing is kept, versions begin again.
    VersionsBeginAgain: versions_begin_again breaks E4;
    /// The first erasure of a stream loses the floor until the next life begins.
    FirstErasureLosesTheFloor: first_erasure_loses_the_floor breaks E4;
    /// Once it is erased, a life has left no floor for loads.
    ErasedLoadsHaveNoFloor: erased_loads_have_no_floor breaks E4;
    /// The log leaves out what was erased.
    LogLeavesErasedOut: log_leaves_erased_out breaks E5 and E6 and L2;
    /// Where everything is erased, the log does not even tell that there was something.
    TombstonesGo: tombstones_go breaks E6;
    /// Ids whose events were erased are not found.
    ErasedIdsAreNotFound: erased_ids_are_not_found breaks E5;
    /// Pages of some sizes leave an event out.
    PagesOfSevenDiffer: pages_of_seven_differ breaks L1;
    /// The log gives what commits late at a place that readers have passed.
    LogReadsBeyondOpenAppends: log_reads_beyond_open_appends breaks L2;
    /// The log takes a while to learn of an append, and says that it is at its end.
    LogIsLateWithoutWaiting: log_is_late_without_waiting breaks L2 and L4 and L5;
    /// A position beyond the end of the log is an empty page.
    LogGoesOnBeyondItsEnd: log_goes_on_beyond_its_end breaks L2;
    /// The log gives twice what commits late.
    LateCommitsComeTwice: late_commits_come_twice breaks L2;
    /// The events of a group come in the other order.
    LogTurnsGroupsRound: log_turns_groups_round breaks L3;
    /// The log gives nothing while any append is under way.
    LogStopsWhileAnythingIsOpen: log_stops_while_anything_is_open breaks L4;
    /// A page that would hold one event is empty, and what comes after it follows.
    LonelyEventsArePassedOver: lonely_events_are_passed_over breaks L4 and L6 and S2;
    /// The log gives what is still under way.
    LogGivesOpenAppends: log_gives_open_appends breaks L5 and L2 and L4;
    /// The log gives what was rolled back.
    LogGivesRolledBackAppends: log_gives_rolled_back_appends breaks L5;
    /// Pages may be of any size in bytes.
    PagesIgnoreBytes: pages_ignore_bytes breaks L6;
    /// Filters look at no names.
    FiltersIgnoreNames: filters_ignore_names breaks L6;
    /// Appends answer a position that is not theirs.
    AppendsAnswerOtherPositions: appends_answer_other_positions breaks L7;
    /// A second lease is given.
    SecondLeaseIsGiven: second_lease_is_given breaks W1;
    /// A dropped lease is not free again.
    DroppedLeaseStaysTaken: dropped_lease_stays_taken breaks W2 and W1;
    /// A lease that was dropped before says that it is not held.
    LeasesAreHeldOnce: leases_are_held_once breaks W2 and W1;
    /// A lost lease says that it is held.
    LostLeaseSaysItIsHeld: lost_lease_says_it_is_held breaks W3;
    /// Of a position the last part alone is kept.
    CheckpointsAreCut: checkpoints_are_cut breaks C1 and C4 and S10 and T1;
    /// Positions are halved into signed numbers.
    CheckpointsAreSigned: checkpoints_are_signed breaks C1;
    /// A reader that was claimed before keeps its fence.
    ClaimsKeepTheFence: claims_keep_the_fence breaks C2 and C3 and C4 and C5 and C6 and S10 and T2;
    /// A claim begins at the beginning.
    ClaimsForgetThePosition: claims_forget_the_position breaks C2 and C3;
    /// A claim looks at the fence, and raises it a moment later.
    ClaimsLookFirst: claims_look_first breaks C2 and C3 and T2;
    /// Fences are not looked at.
    FencesAreIgnored: fences_are_ignored breaks C3 and C2 and C5 and S10 and T2;
    /// A higher fence than any that was given may write.
    HigherFencesMayWrite: higher_fences_may_write breaks C3 and T2;
    /// A put looks at the fence, and is kept a moment later.
    PutsLookFirst: puts_look_first breaks C3;
    /// A refused put is kept all the same.
    RefusedPutsAreKept: refused_puts_are_kept breaks C3 and C2 and C5;
    /// A lower position is taken for an old one.
    PositionsOnlyRise: positions_only_rise breaks C4;
    /// After `None` was put, a claim answers the position before that.
    ClaimsPassOverNone: claims_pass_over_none breaks C4;
    /// The fences of a removed reader begin again.
    RemovedFencesBeginAgain: removed_fences_begin_again breaks C5;
    /// A removed reader is still given.
    RemovedReadersAreGiven: removed_readers_are_given breaks C5 and C6 and C3;
    /// Who removed a reader may still put.
    RemoversMayPut: removers_may_put breaks C5;
    /// Readers end after 100 bytes.
    ReadersAreCut: readers_are_cut breaks C6;
    /// A remove takes along the positions of readers whose names begin the same.
    RemovesTakeLongerNames: removes_take_longer_names breaks C6;
    /// Readers are told apart in small letters.
    ReadersAreOfOneCase: readers_are_of_one_case breaks C6;
    /// A held lease is given to the next who asks.
    HeldLeasesAreGiven: held_leases_are_given breaks G1 and G2 and G3 and G4;
    /// A release is answered, and the lease is held on.
    ReleasesAreForgotten: releases_are_forgotten breaks G2 and G1 and G3 and G5;
    /// Leases are renewed and released with any token.
    AnyTokenWillDo: any_token_will_do breaks G3 and G4;
    /// A renewal is answered, and the lease ends when it would have.
    RenewalsAreForgotten: renewals_are_forgotten breaks G4 and G5 and G3;
    /// All held leases are given, whatever their names.
    HeldGivesAllNames: held_gives_all_names breaks G5 and G1;
    /// What is parked already is not replaced.
    ParkedStaysAsItWas: parked_stays_as_it_was breaks P1;
    /// Parked events are given from the first on.
    ParkedBeginsAtTheFirst: parked_begins_at_the_first breaks P2;
    /// An event is removed for all readers.
    UnparkHitsAllReaders: unpark_hits_all_readers breaks P3;
    /// What was parked in a transaction stays when that is dropped.
    DroppedTransactionsPark: dropped_transactions_park breaks T1 and T2 and T3;
    /// A reader is moved from wherever it is.
    MovesBeginAnywhere: moves_begin_anywhere breaks T2;
    /// A claim may come between a move and its commit.
    CommitsLookAtNothing: commits_look_at_nothing breaks T2;
    /// A commit is written in two steps.
    CommitsAreInSteps: commits_are_in_steps breaks T3 and T2;
    /// An append at a version that was taken through another handle is answered by success.
    VersionsAreOfTheHandle: versions_are_of_the_handle breaks S1 and S5 and S12;
    /// Reads do not give what was appended through another handle.
    ReadsAreOfTheHandle: reads_are_of_the_handle breaks S2 and S1 and S5 and S12 and E3;
    /// Heads do not know of what was appended through another handle.
    HeadsAreOfTheHandle: heads_are_of_the_handle breaks S2 and S5 and S12 and E3 and L2;
    /// An id that was taken through another handle is taken again.
    IdsAreOfTheHandle: ids_are_of_the_handle breaks S5;
    /// What was deleted through another handle is still read.
    DeletesAreOfTheHandle: deletes_are_of_the_handle breaks S12;
    /// A delete of snapshots does not bind other handles.
    FencesAreOfTheHandle: fences_are_of_the_handle breaks N3;
    /// A look-up finds the record of what was erased through another handle.
    ErasuresAreOfTheHandle: erasures_are_of_the_handle breaks E3;
    /// The log does not give what was appended through another handle.
    LogIsOfTheHandle: log_is_of_the_handle breaks L2 and S2 and E3;
    /// A lease is given although another handle has it.
    LeasesAreOfTheHandle: leases_are_of_the_handle breaks W1;
    /// What was claimed through another handle is not known.
    ReadersAreOfTheHandle: readers_are_of_the_handle breaks C3 and C2;
}
