/** Whoever is in a recording can see that it runs. */

import { t } from '../i18n'
import type { RecordingRow } from '../wire/types.gen'
import { Icon } from './icon'

export function RecordedPill({ row }: { row: RecordingRow | null }) {
  if (row === null) return null
  const texts = t.value.recording
  const own = row.sites.length > 0
  return (
    <span
      class="pill recorded"
      data-testid="recorded"
      data-tone="lost"
      role="status"
      title={own ? texts.toldOwn : texts.told}
    >
      <Icon name="disc" />
      {texts.on}
    </span>
  )
}
