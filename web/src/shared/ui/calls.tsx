/** What a site waits for that a director answers: a call for help, a device that stands by. */

import { useSignal } from '@preact/signals'
import { shortTime } from '../client/time'
import { t } from '../i18n'
import type { PageCommand, SeatRow } from '../wire/types.gen'
import { Icon } from './icon'
import { ConfirmDialog } from './parts'

interface Props {
  readonly seat: SeatRow
  /** Null for those who only look on. */
  readonly ask: ((command: PageCommand) => void) | null
  readonly small?: boolean
}

function buttonClass(small: boolean): string {
  return small ? 'button small' : 'button'
}

export function HelpCall({ seat, ask, small = false }: Props) {
  const texts = t.value
  if (seat.help_since === null) return null
  return (
    <div class="call" data-testid="help-call">
      <p>
        <Icon name="lifeBuoy" />
        {texts.queue.helpSince(shortTime(seat.help_since, texts.locale))}
      </p>
      {ask === null ? null : (
        <button
          type="button"
          class={buttonClass(small)}
          data-testid="clear-help"
          onClick={() => ask({ type: 'clear_help', site: seat.site })}
        >
          <Icon name="check" />
          {texts.queue.clearHelp}
        </button>
      )}
    </div>
  )
}

export function StandbyCall({ seat, ask, small = false }: Props) {
  const texts = t.value.queue
  const asking = useSignal(false)
  if (!seat.standby || ask === null) return null
  const close = (): void => {
    asking.value = false
  }
  return (
    <div class="call quiet">
      <p>
        <Icon name="monitorSmartphone" />
        {texts.standby}
      </p>
      <button
        type="button"
        class={buttonClass(small)}
        data-testid="promote"
        onClick={() => {
          asking.value = true
        }}
      >
        {texts.promote}
      </button>
      {asking.value ? (
        <ConfirmDialog
          title={texts.promoteTitle(seat.name)}
          confirm={texts.promote}
          tone="primary"
          onClose={close}
          onConfirm={() => {
            ask({ type: 'promote', site: seat.site })
            close()
          }}
        >
          <p>{texts.promoteBody}</p>
        </ConfirmDialog>
      ) : null}
    </div>
  )
}
