/** A folder in memory, so that no disk is the limit of anybody. */

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

export const MEMORY_FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
