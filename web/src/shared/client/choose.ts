/** Which conference a staff page opens. */

import type { ConferenceId, ConferenceSummary } from '../wire/types.gen'

/** The one asked for; else the newest that has not ended; else the newest of all. */
export function chooseConference(
  list: readonly ConferenceSummary[],
  asked: string | null,
): ConferenceId | null {
  if (asked !== null && list.some((summary) => summary.conference === asked)) return asked
  const newest = [...list].sort((a, b) => b.starts_at - a.starts_at)
  const open = newest.find((summary) => summary.phase !== 'ended')
  return (open ?? newest[0])?.conference ?? null
}
