/** Barriers and what is asked and answered on their behalf. */

import {
  formatVersion,
  isPassed,
  textFromBehind,
  textFromServiceKey,
  type Barrier,
  type BarrierAnswer,
  type ToldAnswer,
  type ToldQuestion,
} from "@rollcall/core";

export function barrierInWords({ sequence, key, version }: Barrier): string {
  return `who has not been told of ${textFromServiceKey(key)} ${formatVersion(version)}? (barrier ${sequence})`;
}

export function barrierAnswerInWords(answer: BarrierAnswer): string {
  return `barrier ${answer.sequence}: ${isPassed(answer) ? "everybody has been told" : textFromBehind(answer)}`;
}

export function toldQuestionInWords({ key, held: { version } }: ToldQuestion): string {
  return `have all been told of ${textFromServiceKey(key)} ${formatVersion(version)}?`;
}

export function toldAnswerInWords({ key, version, subscribers }: ToldAnswer): string {
  return `${subscribers} have not been told of ${textFromServiceKey(key)} ${formatVersion(version)}`;
}
