/** What a session measures of itself, read out when it is asked for. docs/metrics.md says what it means. */

import type { DurationHistogram } from "@rollcall/core";
import { counter, gauge, histogram, type Metric } from "@rollcall/runtime";

import type { Balancer } from "./balance/balancer.ts";
import type { RestoreGate } from "./connections/restore-gate.ts";
import type { ServiceLists } from "./lists/service-lists.ts";
import type { PushSwitch } from "./pushes/push-switch.ts";
import type { RegistrationStore } from "./registrations/registration-store.ts";
import type { AntiEntropy } from "./routing/anti-entropy.ts";
import type { Barriers } from "./routing/barriers.ts";
import type { Handover } from "./routing/handover.ts";
import type { Writer } from "./routing/writer.ts";
import type { ClientLinks } from "./rpc/client-links.ts";
import type { WatchLinks } from "./rpc/watch-links.ts";
import type { Interests } from "./views/interests.ts";

export interface Measured {
  readonly antiEntropy: AntiEntropy;
  readonly balancer: Balancer;
  readonly barriers: Barriers;
  readonly clients: ClientLinks;
  readonly gate: RestoreGate;
  readonly handover: Handover;
  readonly interests: Interests;
  readonly lists: ServiceLists;
  readonly pushes: PushSwitch;
  readonly registrations: RegistrationStore;
  readonly watches: WatchLinks;
  readonly writer: Writer;
  readonly pushAges: DurationHistogram;
  readonly receiptTimes: DurationHistogram;
}

export function sessionMetrics(measured: Measured): Metric[] {
  const { antiEntropy, balancer, barriers, clients, gate, handover, interests, lists } = measured;
  const { pushes, registrations, watches, writer, pushAges, receiptTimes } = measured;
  return [
    gauge("rollcall_session_clients", "Clients connected by a Connect stream.", clients.connections),
    gauge("rollcall_session_watches", "Watch streams: browsers, and clients without a Connect stream.", watches.size),
    gauge("rollcall_session_subscriptions", "Subscriptions of these clients.", clients.subscriptions),
    gauge("rollcall_session_clients_restoring", "Clients that are being brought back.", gate.restoring),
    gauge("rollcall_session_clients_waiting", "Clients that wait for their turn to be brought back.", gate.waiting),
    gauge(
      "rollcall_session_clients_switched_off",
      "Clients of which an operator has switched something off.",
      clients.switchedOff,
    ),
    counter(
      "rollcall_session_clients_refused_total",
      "Clients sent elsewhere because this node had too much to do.",
      gate.refused + clients.refused,
    ),
    counter(
      "rollcall_session_mass_losses_total",
      "Times so many connections were lost at once that they were taken for a broken network.",
      clients.massLosses,
    ),
    counter("rollcall_session_moves_asked_total", "Clients asked to move to a session that has fewer.", balancer.asked),
    gauge(
      "rollcall_session_registrations",
      "Registrations held for clients, with recent removals.",
      registrations.size,
    ),
    gauge(
      "rollcall_session_services_followed",
      "Services this node keeps a copy of for its subscribers.",
      interests.size,
    ),
    gauge("rollcall_session_pushes_off", "Decisions of operators that stop pushes.", pushes.size),
    gauge(
      "rollcall_session_pushes_held",
      "Subscriptions that have missed a push because an operator has stopped it.",
      clients.held,
    ),
    gauge("rollcall_session_lists_followed", "Namespaces whose list of services this node keeps.", lists.size),
    histogram(
      "rollcall_session_push_age_seconds",
      "Age of changes when they were first pushed, since their slot's leader made them.",
      pushAges,
    ),
    histogram("rollcall_session_push_receipt_seconds", "Time from a push to its receipt.", receiptTimes),
    gauge("rollcall_session_writes_waiting", "Writes not yet applied by the leaders of their slots.", writer.waiting),
    gauge(
      "rollcall_session_slots_unreported",
      "Slots whose leader is not known to have everything this node holds.",
      handover.openSlots,
    ),
    gauge("rollcall_session_barriers_open", "Drains of clients that wait for somebody to acknowledge.", barriers.size),
    counter(
      "rollcall_session_comparisons_total",
      "Times this node and a data node compared what they hold.",
      antiEntropy.comparisons,
    ),
    counter(
      "rollcall_session_repairs_total",
      "Slots, and lists of services, in which a comparison found something lost or wrong.",
      handover.repairs + antiEntropy.repairs + lists.repairs,
    ),
  ];
}
