/** The screens around the meeting room: each says one thing, and offers at most one or two. */

import type { Signal } from '@preact/signals'
import type { InApp } from '../shared/client/in-app'
import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { InAppNotice } from '../shared/ui/in-app'
import { StreamVideo } from '../shared/ui/media'
import { CardPage, ConnectionBadge, ErrorText } from '../shared/ui/parts'
import type { Attendance } from './attendance'

interface Props {
  readonly attendance: Attendance
}

export function EnterScreen({ attendance, inApp }: Props & { inApp: InApp | null }) {
  const texts = t.value.site
  const screen = attendance.screen.value
  const failure = screen.kind === 'enter' ? screen.failure : undefined
  return (
    <CardPage title={texts.enterTitle} testid="enter-screen">
      <p>
        {texts.enterLead} <b class="emphasis">{attendance.site}</b>.
      </p>
      {failure === undefined ? null : <ErrorText code={failure} />}
      {inApp === null ? null : <InAppNotice app={inApp} link={location.href} />}
      <button
        type="button"
        class={inApp === null ? 'button primary large' : 'button'}
        data-testid="enter"
        disabled={attendance.entering.value}
        onClick={() => void attendance.enter()}
      >
        {attendance.entering.value
          ? texts.entering
          : inApp === null
            ? texts.enter
            : texts.enterAnyway}
      </button>
      {inApp === null || failure !== undefined ? (
        <p>{failure === undefined ? texts.enterHint : texts.refusedAsk}</p>
      ) : null}
    </CardPage>
  )
}

export function NoLinkScreen() {
  const texts = t.value.site
  return (
    <CardPage title={texts.noLink} testid="no-link">
      <p>{texts.noLinkHint}</p>
      <a class="button primary large" href="/join" data-testid="type-code">
        {texts.typeCode}
      </a>
      <p>{texts.refusedAsk}</p>
    </CardPage>
  )
}

function ComeBack({ attendance, text }: Props & { text: string }) {
  return (
    <button
      type="button"
      class="button primary large"
      data-testid="enter"
      onClick={() => void attendance.comeBack()}
    >
      {text}
    </button>
  )
}

export function ReturnScreen({ attendance }: Props) {
  const texts = t.value.site
  return (
    <CardPage title={texts.returnTitle} testid="return-screen">
      <p>{texts.returnLead}</p>
      <ComeBack attendance={attendance} text={texts.returnEnter} />
      <button type="button" class="button" onClick={() => attendance.chooseAgain()}>
        {texts.changeDevices}
      </button>
    </CardPage>
  )
}

export function LeftScreen({ attendance }: Props) {
  const texts = t.value.site
  return (
    <CardPage title={texts.leftTitle} testid="left">
      <p>{texts.leftBody}</p>
      <ComeBack attendance={attendance} text={texts.comeBack} />
    </CardPage>
  )
}

/** After a mistaken end the room comes back by a tap: its camera was promised to be off. */
export function EndedScreen({ attendance }: Props) {
  const texts = t.value.site
  const conference = attendance.conference.value
  const reopened = conference !== null && conference.phase !== 'ended'
  return (
    <CardPage title={reopened ? texts.reopenedTitle : texts.endedTitle} testid="ended">
      <p class="emphasis">{conference?.title}</p>
      <p role="status">{reopened ? texts.reopenedBody : texts.endedBody}</p>
      {reopened ? <ComeBack attendance={attendance} text={texts.comeBack} /> : null}
    </CardPage>
  )
}

export function ReplacedScreen() {
  const texts = t.value.site
  return (
    <CardPage title={texts.replacedTitle} testid="replaced">
      <p>{texts.replacedBody}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        {texts.replacedUseThis}
      </button>
    </CardPage>
  )
}

export function TakenOverScreen({ attendance }: Props) {
  const texts = t.value.site
  return (
    <CardPage title={texts.takenOverTitle} testid="taken-over">
      <p>{texts.takenOverBody}</p>
      <button
        type="button"
        class="button primary"
        data-testid="stand-by"
        onClick={() => void attendance.standBy()}
      >
        {texts.takenOverStandBy}
      </button>
    </CardPage>
  )
}

/** Another device holds the seat; this one is ready to take over. */
export function StandbyScreen({ attendance, now }: Props & { now: Signal<number> }) {
  const texts = t.value.site
  const stream = attendance.gear.selfView.value
  return (
    <CardPage title={texts.standbyTitle} testid="standby">
      <p class="emphasis">{attendance.own.value?.banner ?? attendance.seated.value?.banner}</p>
      <p role="status">{texts.standbyBody}</p>
      {stream === null ? null : (
        <figure class="self standby-self">
          <StreamVideo stream={stream} testid="self" />
          <figcaption>{texts.standbySelf}</figcaption>
        </figure>
      )}
      <p>{texts.standbyHint}</p>
      <div class="join-row">
        <button
          type="button"
          class="button"
          data-testid="leave"
          onClick={() => void attendance.leave()}
        >
          <Icon name="logOut" />
          {texts.standbyLeave}
        </button>
        <ConnectionBadge connection={attendance.socket.connection.value} now={now.value} />
      </div>
    </CardPage>
  )
}

export function TakenScreen() {
  const texts = t.value.site
  return (
    <CardPage title={texts.takenTitle} testid="seat-taken">
      <p class="emphasis">{texts.takenBody}</p>
      <p role="status">{texts.takenWaiting}</p>
    </CardPage>
  )
}

export function RefusedScreen({ attendance }: Props) {
  const texts = t.value
  const screen = attendance.screen.value
  return (
    <CardPage title={texts.site.refusedTitle} testid="refused">
      {screen.kind === 'refused' ? <ErrorText code={screen.code} /> : null}
      <p>{texts.site.refusedAsk}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        {texts.common.retry}
      </button>
    </CardPage>
  )
}
