/** The button that shares a screen, and what to do when it cannot. */

import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { Dialog } from '../shared/ui/parts'
import type { Attendance } from './attendance'

interface Props {
  readonly attendance: Attendance
}

/** Offers a screen or window; whether it is on air is the operator's word. */
export function Share({ attendance }: Props) {
  const texts = t.value.site.slides
  const { kind } = attendance.slides.state.value
  const on = kind === 'on'
  return (
    <div class="ask sharing">
      <button
        type="button"
        class="ask-button share"
        data-testid="share"
        data-share={kind}
        data-on-air={attendance.slidesOnAir}
        aria-pressed={on}
        title={texts.hint}
        disabled={attendance.own.value === null || kind === 'asking'}
        onClick={() => attendance.toggleSlides()}
      >
        <Icon name="presentation" />
        {on ? texts.stop : texts.start}
      </button>
      <p class="ask-state" role="status" data-testid="share-state">
        {stateText(attendance)}
      </p>
    </div>
  )
}

function stateText(attendance: Attendance): string {
  const texts = t.value.site.slides
  const state = attendance.slides.state.value
  switch (state.kind) {
    case 'asking':
      return texts.asking
    case 'on':
      return attendance.slidesOnAir ? texts.onAir : texts.waiting
    case 'off':
      return state.problem === 'not_chosen' ? texts.not_chosen : ''
  }
}

/** What keeps this machine from sharing, until it has been read. */
export function ShareProblem({ attendance }: Props) {
  const texts = t.value
  const state = attendance.slides.state.value
  if (state.kind !== 'off' || state.problem === null || state.problem === 'not_chosen') return null
  const close = (): void => attendance.slides.dismiss()
  return (
    <Dialog
      title={texts.site.slides.problemTitle}
      onClose={close}
      foot={
        <button
          type="button"
          class="button primary"
          data-testid="share-problem-close"
          onClick={close}
        >
          {texts.common.close}
        </button>
      }
    >
      <p data-share-problem={state.problem}>{texts.site.slides.problems[state.problem]}</p>
    </Dialog>
  )
}
