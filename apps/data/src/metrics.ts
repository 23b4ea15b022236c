/** What a data node measures of itself, read out when it is asked for. docs/metrics.md says what it means. */

import { counter, gauge, histogram, type Metric } from "@rollcall/runtime";

import type { LeaderLinks } from "./peers/leader-links.ts";
import type { Probes } from "./probes/probes.ts";
import type { Quotas } from "./quotas/quotas.ts";
import type { FollowerLinks } from "./rpc/follower-links.ts";
import type { SessionLinks } from "./rpc/session-links.ts";
import type { Storage } from "./storage.ts";
import type { WarmCopy } from "./warm/warm-copy.ts";

export interface Measured {
  readonly storage: Storage;
  readonly quotas: Quotas;
  readonly sessions: SessionLinks;
  readonly followers: FollowerLinks;
  readonly leaders: LeaderLinks;
  readonly warm: WarmCopy | undefined;
  readonly probes: Probes | undefined;
}

export function dataMetrics({ storage, quotas, sessions, followers, leaders, warm, probes }: Measured): Metric[] {
  const { ownership, datums, reconciler, leases } = storage;
  const { services, instances } = datums.count((slot) => ownership.leads(slot));
  const followed = leaders.count();
  return [
    gauge("rollcall_data_slots_leading", "Slots this node leads completely.", ownership.count("leading")),
    gauge("rollcall_data_slots_taking_over", "Slots still waiting for sessions.", ownership.count("taking over")),
    gauge("rollcall_data_slots_following", "Slots this node follows.", followed.followed),
    gauge("rollcall_data_slots_in_sync", "Of these, those that are like their leader's.", followed.inSync),
    gauge("rollcall_data_services", "Services in the slots this node leads.", services),
    gauge("rollcall_data_instances", "Instances of these services.", instances),
    counter(
      "rollcall_data_quota_refusals_total",
      "Registrations refused because the quota of their namespace was used up.",
      quotas.refused,
    ),
    gauge("rollcall_data_leases", "Leases of registrations that run at this node.", leases.count),
    gauge("rollcall_data_leases_held", "Of these, those that have lapsed and are held by the guard.", leases.held),
    counter("rollcall_data_guard_total", "Times the guard has begun to hold lapsed leases.", leases.episodes),
    gauge("rollcall_data_sessions_linked", "Session nodes linked to this node.", storage.linkedSessions),
    gauge("rollcall_data_followers_linked", "Data nodes that follow slots of this one.", followers.linkedFollowers),
    histogram(
      "rollcall_data_notify_receipt_seconds",
      "Time from a notification of a session to its receipt.",
      sessions.receiptTimes,
    ),
    counter(
      "rollcall_data_session_repairs_total",
      "Services in which this node and a session did not hold the same.",
      reconciler.repairs,
    ),
    counter(
      "rollcall_data_follower_repairs_total",
      "Slots in which this node did not hold what its leader held.",
      leaders.taken.repairs,
    ),
    counter("rollcall_data_follower_sent_bytes_total", "Sent to followers.", followers.sent.bytes),
    gauge("rollcall_data_round_seconds", "Time of the last comparison with all sessions.", storage.roundMs / 1_000),
    ...(warm === undefined ? [] : warmMetrics(warm)),
    ...(probes === undefined ? [] : probeMetrics(probes)),
  ];
}

function warmMetrics({ counts, lagMs, problem }: WarmCopy): Metric[] {
  return [
    gauge("rollcall_data_disk_ok", "1 while everything is also on disk, 0 when it cannot be.", problem ? 0 : 1),
    gauge("rollcall_data_disk_lag_seconds", "Age of the oldest change that is not on disk.", lagMs / 1_000),
    counter("rollcall_data_disk_claims_total", "Claims written to disk.", counts.claims),
    counter("rollcall_data_disk_failures_total", "Rounds of writing that the disk ended.", counts.failures),
  ];
}

function probeMetrics({ measured }: Probes): Metric[] {
  const { passed, failed, refused } = measured;
  return [
    gauge("rollcall_data_probed_instances", "Instances that this node probes.", measured.targets),
    gauge("rollcall_data_unhealthy_instances", "Of these, those that are marked unhealthy.", measured.unhealthy),
    gauge("rollcall_data_marks_held", "Of these, those that fail and that the guard does not mark.", measured.held),
    counter("rollcall_data_probe_guard_total", "Times the guard has begun to hold marks.", measured.episodes),
    counter("rollcall_data_probes_total", "Probes that were answered or came to nothing.", passed + failed + refused),
    counter("rollcall_data_probes_failed_total", "Of these, those with a bad answer or none.", failed),
    counter("rollcall_data_probes_refused_total", "Of these, those of addresses that are not probed.", refused),
    histogram("rollcall_data_probe_seconds", "Time of a probe.", measured.times),
  ];
}
