/** How loud a site's microphone is, at a glance; the words are with whoever shows it. */

import type { SeatRow, SiteFigures } from '../wire/types.gen'
import { clips, meterOf, voiceOf } from './state'

interface Props {
  readonly seat: SeatRow
  readonly figures: SiteFigures | null | undefined
}

/** A bar; empty without a level. It moves also while the microphone is shut. */
export function VoiceBar({ seat, figures }: Props) {
  const level = meterOf(figures?.mic_level_dbov)
  return (
    <span
      class="voice-bar"
      aria-hidden="true"
      data-voice={voiceOf(seat, figures)}
      data-clips={clips(figures)}
      data-level={level === null ? 'none' : Math.round(level * 100)}
    >
      <span style={{ width: `${Math.round((level ?? 0) * 100)}%` }} />
    </span>
  )
}
