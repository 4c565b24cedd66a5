import { shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { Icon, type IconName } from '../shared/ui/icon'
import type { Phase } from '../shared/wire/types.gen'
import type { Desk, PhaseChange } from './desk'

interface Props {
  readonly desk: Desk
  readonly phase: Phase
  readonly now: number
  readonly onOpen: (which: 'start' | 'end') => void
}

/** Where the conference can go from its phase. Start and end ask back first. */
export function PhaseButtons({ desk, phase, now, onOpen }: Props) {
  const texts = t.value.operator
  const change = (type: PhaseChange) => () => desk.change(type)
  const start = (
    <Step name="start" tone="go" icon="play" text={texts.start} onClick={() => onOpen('start')} />
  )
  const end = <Step name="end" icon="square" text={texts.end} onClick={() => onOpen('end')} />
  switch (phase) {
    case 'draft':
      return <Step name="schedule" tone="go" text={texts.schedule} onClick={change('schedule')} />
    case 'scheduled':
      return (
        <>
          <Step name="rehearse" text={texts.rehearse} onClick={change('rehearse')} />
          {start}
        </>
      )
    case 'rehearsal':
      return (
        <Step name="end-rehearsal" text={texts.endRehearsal} onClick={change('end_rehearsal')} />
      )
    case 'live':
      return (
        <>
          <Step name="recess" text={texts.recess} onClick={change('recess')} />
          {end}
        </>
      )
    case 'recess':
      return (
        <>
          <Step name="resume" tone="go" text={texts.resume} onClick={change('resume')} />
          {end}
        </>
      )
    case 'ended': {
      const until = desk.conference.value?.reopen_until ?? null
      if (until === null || until < now) return null
      const title = texts.reopenUntil(shortTime(until, t.value.locale))
      return <Step name="reopen" text={texts.reopen} title={title} onClick={change('reopen')} />
    }
  }
}

interface StepProps {
  readonly name: string
  readonly text: string
  readonly onClick: () => void
  readonly icon?: IconName
  readonly tone?: string
  readonly title?: string
}

function Step({ name, text, onClick, icon, tone = '', title }: StepProps) {
  return (
    <button
      type="button"
      class={`button ${tone}`}
      data-testid={name}
      title={title}
      onClick={onClick}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {text}
    </button>
  )
}
