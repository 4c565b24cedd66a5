/** Which conference a staff page opens. */

import type { ConferenceId, ConferenceSummary } from '../wire/types.gen'

/** Of a list with the newest first: the one asked for, else the newest that has not ended. */
export function chooseConference(
  list: readonly ConferenceSummary[],
  asked: string | null,
): ConferenceId | null {
  if (asked !== null && list.some((summary) => summary.conference === asked)) return asked
  const open = list.find((summary) => summary.phase !== 'ended')
  return (open ?? list[0])?.conference ?? null
}
