/** The unary methods of RegistryService: for curl, browsers and anything else without a Connect stream. */

import { fromBinary } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  LIMITS,
  RegistryError,
  checkFilter,
  checkShortName,
  idFromAddress,
  instanceFromInput,
  invalidField,
  serviceKey,
  traceparentFromText,
  switchedOffError,
  textFromBehind,
  type Behind,
  type ClientIdentity,
  type Clock,
  type RegistrationOutcome,
  type ServiceSummary,
  type Shown,
  type SwitchedOff,
  type Traceparent,
  type Version,
} from "@rollcall/core";
import {
  InstanceSchema,
  type RegistryService,
  bytesFromInstance,
  filterFromWire,
  instanceFromWire,
  keyFromWire,
  wireFromKey,
  wireFromVersion,
} from "@rollcall/protocol";
import { peerAddressKey } from "@rollcall/runtime";

import { drainLease } from "../registrations/lease-drain.ts";
import type { LeaseWriter } from "../registrations/lease-writer.ts";
import { pushIsOff, type PushSwitch } from "../pushes/push-switch.ts";
import type { Barriers } from "../routing/barriers.ts";
import type { ServiceDirectory } from "../routing/service-directory.ts";
import type { Interests } from "../views/interests.ts";
import { whenShown } from "../views/when-shown.ts";

export interface RegistryRoutesPorts {
  readonly clock: Clock;
  readonly leases: LeaseWriter;
  readonly interests: Interests;
  readonly directory: ServiceDirectory;
  readonly barriers: Barriers;
  readonly pushes: PushSwitch;
  /** Whether this node knows its cluster; before, no call can be served. */
  readonly isJoined: () => boolean;
  readonly switchedOff: (client: ClientIdentity) => SwitchedOff;
}

/** Lease of a registration that asks for none, in milliseconds. */
const DEFAULT_LEASE_MS = 15_000;

/** How long a call without a deadline of its own waits, in milliseconds. */
const DEFAULT_DEADLINE_MS = 5_000;

/** How long a drain without a deadline waits, and how long one waits at most, in milliseconds: it waits for others. */

const DRAIN_DEADLINE_MS = { whenNone: 10_000, most: 60_000 };

/** A drain ends so much before its caller's deadline, in milliseconds, that the caller still hears who is behind. */
const DRAIN_HEAD_START_MS = 200;

/** How long a call waits for a list that the slot's leader vouches for before it takes one that it does not. */
const CONFIRMED_PATIENCE_MS = 500;

type Unary = Pick<
  ServiceImpl<typeof RegistryService>,
  "register" | "unregister" | "drain" | "renew" | "resolve" | "listServices"
>;

/** How long a call waits, and what it says when it has waited in vain. */
interface Patience {
  readonly whenNone: number;
  readonly most: number;
  readonly late: () => string;
  /** So much before the caller gives up, in milliseconds, so that it still hears why. */
  readonly headStartMs: number;
}

const PATIENCE: Patience = {
  whenNone: DEFAULT_DEADLINE_MS,
  most: DEFAULT_DEADLINE_MS,
  late: () => "the slot's leader has not answered",
  headStartMs: 0,
};

export function registryRoutes({
  clock,
  leases,
  interests,
  directory,
  barriers,
  pushes,
  isJoined,
  switchedOff,
}: RegistryRoutesPorts): Unary {
  /** @throws RegistryError `blocked` when an operator has switched that off for the caller. */
  const checkSwitch = (what: keyof SwitchedOff, { values }: HandlerContext): void => {
    const address = values.get(peerAddressKey);
    if (switchedOff({ clientId: "", address })[what]) throw switchedOffError(what, address);
  };

  /** Waits for one answer, no longer than the caller does. `begin` gives back what gives up on it, if anything. */
  function answered<Answer>(
    context: HandlerContext,
    begin: (answer: (answer: Answer | RegistryError) => void) => (() => void) | void,
    { whenNone, most, late, headStartMs }: Patience = PATIENCE,
  ): Promise<Answer> {
    if (!isJoined())
      return Promise.reject(new RegistryError("not_ready", "the session node has not joined the cluster yet"));
    return new Promise((resolve, reject) => {
      const callerMs = context.timeoutMs();
      const deadlineMs = Math.min(callerMs === undefined ? whenNone : callerMs - headStartMs, most);
      const settle = (answer: Answer | RegistryError): void => {
        timer.cancel();
        context.signal.removeEventListener("abort", aborted);
        if (answer instanceof RegistryError) reject(answer);
        else resolve(answer);
      };
      const giveUp = (error: RegistryError): void => {
        cancel?.();
        settle(error);
      };
      const aborted = (): void => giveUp(new RegistryError("closed", "the caller has gone"));
      const timer = clock.setTimer(deadlineMs, () =>
        giveUp(new RegistryError("deadline_exceeded", `${late()} within ${deadlineMs} ms`)),
      );
      context.signal.addEventListener("abort", aborted);
      const cancel = begin(settle);
    });
  }

  const applied = (outcome: RegistrationOutcome): Version | RegistryError =>
    outcome.kind === "applied" ? outcome.version : RegistryError.from(outcome.error);

  return {
    async register(request, context) {
      checkSwitch("register", context);
      const key = serviceKey(keyFromWire(request.key));
      if (request.instance === undefined) throw invalidField("instance", "present", "nothing");
      const given = instanceFromWire(request.instance);
      const instance = instanceFromInput(given, () => idFromAddress(given.protocol, given.address));
      const leaseMs = checkLease(request.leaseMs);
      const traceparent = traceparentOf(context);
      const registration = {
        key,
        instanceId: instance.id,
        instance: bytesFromInstance(instance),
        leaseMs,
        traceparent,
      };
      const version = await answered<Version>(context, (answer) =>
        leases.register(registration, (outcome) => answer(applied(outcome))),
      );
      return { instanceId: instance.id, leaseMs, version: wireFromVersion(version) };
    },

    async unregister(request, context) {
      const key = serviceKey(keyFromWire(request.key));
      const instanceId = checkGiven("instance_id", request.instanceId);
      const version = await answered<Version>(context, (answer) =>
        leases.unregister({ key, instanceId, traceparent: traceparentOf(context) }, (outcome) =>
          answer(applied(outcome)),
        ),
      );
      return { version: wireFromVersion(version) };
    },

    async drain(request, context) {
      const key = serviceKey(keyFromWire(request.key));
      const instanceId = checkGiven("instance_id", request.instanceId);
      let last: Behind | undefined;
      const version = await answered<Version>(
        context,
        (ended) =>
          drainLease(
            { clock, leases, barriers, interests },
            { key, instanceId, traceparent: traceparentOf(context) },
            { behind: (behind) => (last = behind), ended },
          ),
        { ...DRAIN_DEADLINE_MS, late: () => textFromBehind(last), headStartMs: DRAIN_HEAD_START_MS },
      );
      return { version: wireFromVersion(version) };
    },

    async renew(request, context) {
      const key = serviceKey(keyFromWire(request.key));
      const instanceId = checkGiven("instance_id", request.instanceId);
      try {
        checkSwitch("register", context);
      } catch (thrown) {
        // Nobody knows where a lease comes from until it is renewed: it ends now, and can be registered again later.
        leases.unregister({ key, instanceId, traceparent: undefined }, () => {});
        throw thrown;
      }
      const known = await answered<boolean>(context, (answer) => leases.renew(key, instanceId, answer));
      if (!known)
        throw new RegistryError(
          "unknown_registration",
          `no lease is held for instance ${JSON.stringify(instanceId)}: register again`,
        );
      return {};
    },

    async resolve(request, context) {
      checkSwitch("subscribe", context);
      const key = serviceKey(keyFromWire(request.key));
      const filter = checkFilter(filterFromWire(request.filter));
      const copy = interests.use(key);
      const view = copy.view(filter);
      try {
        // A caller in a hurry still gets the list that there is.
        const patienceMs = Math.min(CONFIRMED_PATIENCE_MS, (context.timeoutMs() ?? DEFAULT_DEADLINE_MS) / 2);
        // Whoever asks is told no more than one who is pushed.
        const off = pushes.holds(view, { clientId: "", address: context.values.get(peerAddressKey) });
        if (off !== undefined) throw pushIsOff(off);
        const { datum, confirmed } = await answered<Shown>(context, (answer) =>
          whenShown(view, clock, patienceMs, answer),
        );
        const instances = [...datum.instances()]
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map(({ bytes }) => fromBinary(InstanceSchema, bytes));
        return { version: wireFromVersion(datum.version), instances, confirmed };
      } finally {
        copy.closeView(view);
        interests.release(copy);
      }
    },

    async listServices(request, context) {
      checkSwitch("subscribe", context);
      const namespace = checkShortName("namespace", request.namespace || "default");
      const services = await answered<readonly ServiceSummary[]>(context, (answer) =>
        directory.list(namespace, answer),
      );
      return { services: services.map(({ key, instances }) => ({ key: wireFromKey(key), instances })) };
    },
  };
}

function traceparentOf({ requestHeader }: HandlerContext): Traceparent | undefined {
  return traceparentFromText(requestHeader.get("traceparent"));
}

function checkLease(leaseMs: number): number {
  if (leaseMs === 0) return DEFAULT_LEASE_MS;
  if (leaseMs >= LIMITS.leaseMinMs && leaseMs <= LIMITS.leaseMaxMs) return leaseMs;
  throw invalidField(
    "lease_ms",
    `0 (for ${DEFAULT_LEASE_MS}) or ${LIMITS.leaseMinMs} to ${LIMITS.leaseMaxMs} milliseconds`,
    leaseMs,
  );
}

function checkGiven(field: string, value: string): string {
  if (value.length > 0 && value.length <= LIMITS.instanceIdLength) return value;
  throw invalidField(field, `1 to ${LIMITS.instanceIdLength} characters`, value);
}
