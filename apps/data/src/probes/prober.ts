/** Who asks instances how they are. The schedule knows no sockets; what does the asking is behind this port. */

import type { ProbeOrder } from "@rollcall/core";

export type ProbeOutcome =
  | { readonly kind: "passed" }
  /** It was asked, and the answer was bad or none. */
  | { readonly kind: "failed"; readonly why: string }
  /** It may not be asked: its address is none that this node probes. That says nothing about the instance. */
  | { readonly kind: "refused"; readonly why: string };

export interface Prober {
  /**
   * Asks once. `answered` is called once, later and within the timeout of the probe, unless the asking is given up before
   * by what is returned.
   */
  probe(order: ProbeOrder, answered: (outcome: ProbeOutcome) => void): () => void;
}
