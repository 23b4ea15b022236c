/** IntrospectionService for any node that remembers what it did. */

import type { ServiceImpl } from "@connectrpc/connect";
import {
  EVENTS_PER_SERVICE_MAX,
  limitExceeded,
  serviceKey,
  textFromServiceKey,
  type ServiceEvents,
} from "@rollcall/core";
import { keyFromWire, wireFromServiceEvent, type IntrospectionService } from "@rollcall/protocol";

export function introspectionService(nodeId: string, events: ServiceEvents): ServiceImpl<typeof IntrospectionService> {
  return {
    getEvents({ key, limit }) {
      if (limit > EVENTS_PER_SERVICE_MAX) throw limitExceeded("limit", `${EVENTS_PER_SERVICE_MAX}`, limit);
      const keyText = textFromServiceKey(serviceKey(keyFromWire(key)));
      return { nodeId, events: events.of(keyText, limit || EVENTS_PER_SERVICE_MAX).map(wireFromServiceEvent) };
    },
  };
}
