/** The site page: one screen at a time. */

import type { Signal } from '@preact/signals'
import type { InApp } from '../shared/client/in-app'
import { t } from '../shared/i18n'
import { CardPage, useTitle } from '../shared/ui/parts'
import type { Attendance } from './attendance'
import { DevicesScreen } from './devices'
import { Room } from './room'
import {
  EndedScreen,
  EnterScreen,
  LeftScreen,
  NoLinkScreen,
  RefusedScreen,
  ReplacedScreen,
  ReturnScreen,
  StandbyScreen,
  TakenOverScreen,
  TakenScreen,
} from './screens'

interface Props {
  readonly inApp?: InApp | null
  readonly attendance: Attendance
  readonly now: Signal<number>
}

export function SitePage({ attendance, now, inApp = null }: Props) {
  const title = attendance.conference.value?.title ?? attendance.seated.value?.title
  useTitle(`${attendance.site} · ${title ?? t.value.site.title}`)
  switch (attendance.screen.value.kind) {
    case 'loading':
      return <CardPage title={t.value.common.loading}>{null}</CardPage>
    case 'enter':
      return <EnterScreen attendance={attendance} inApp={inApp} />
    case 'no_link':
      return <NoLinkScreen />
    case 'return':
      return <ReturnScreen attendance={attendance} />
    case 'devices':
      return <DevicesScreen attendance={attendance} />
    case 'joined':
      return <Room attendance={attendance} now={now} />
    case 'left':
      return <LeftScreen attendance={attendance} />
    case 'ended':
      return <EndedScreen attendance={attendance} />
    case 'replaced':
      return <ReplacedScreen />
    case 'standby':
      return <StandbyScreen attendance={attendance} now={now} />
    case 'taken_over':
      return <TakenOverScreen attendance={attendance} />
    case 'taken':
      return <TakenScreen />
    case 'refused':
      return <RefusedScreen attendance={attendance} />
  }
}
