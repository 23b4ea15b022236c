// The script of the page: the client's entry for browsers, in reach of the tests.

import * as sdk from "@rollcall/sdk/web";

export type PageGlobals = typeof globalThis & { readonly sdk: typeof sdk };

Object.assign(globalThis, { sdk });
