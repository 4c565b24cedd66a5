/** Choosing camera and microphone, before joining and while in the room. */

import { t } from '../shared/i18n'
import type { DeviceKind } from '../shared/media/devices'
import { playTestTone } from '../shared/media/level'
import { Icon } from '../shared/ui/icon'
import { StreamVideo } from '../shared/ui/media'
import { Brand, Dialog, LanguageSwitch } from '../shared/ui/parts'
import type { Attendance } from './attendance'

interface Props {
  readonly attendance: Attendance
}

export function DevicesScreen({ attendance }: Props) {
  const texts = t.value.site.devices
  const seated = attendance.seated.value
  return (
    <div class="card-page" data-testid="devices">
      <header>
        <Brand />
        <span class="spacer" />
        <LanguageSwitch />
      </header>
      <main>
        <section class="card wide">
          <div>
            <p>{seated?.title}</p>
            <h1>{texts.title}</h1>
            <p>{texts.lead}</p>
          </div>
          <Picker attendance={attendance} />
          <div class="join-row">
            <button
              type="button"
              class="button primary large"
              data-testid="join"
              disabled={attendance.gear.opening.value}
              onClick={() => attendance.join()}
            >
              {joinText(attendance)}
            </button>
            <p>{texts.mutedAtStart}</p>
          </div>
        </section>
      </main>
    </div>
  )
}

export function DevicesDialog({ attendance, onClose }: Props & { onClose: () => void }) {
  return (
    <Dialog
      title={t.value.site.settings}
      wide
      onClose={onClose}
      foot={
        <button type="button" class="button primary" onClick={onClose}>
          {t.value.common.close}
        </button>
      }
    >
      <Picker attendance={attendance} />
    </Dialog>
  )
}

function joinText(attendance: Attendance): string {
  const texts = t.value.site.devices
  const { camera, microphone } = attendance.gear.opened.value
  if (camera === null && microphone === null) return texts.joinReceiveOnly
  if (camera === null) return texts.joinWithoutCamera
  return microphone === null ? texts.joinWithoutMicrophone : texts.join
}

function Picker({ attendance }: Props) {
  const texts = t.value.site.devices
  const { gear } = attendance
  const banner = attendance.seated.value?.banner ?? attendance.own.value?.banner
  return (
    <div class="picker-grid">
      <figure class="self-large">
        <StreamVideo stream={gear.selfView.value} testid="self" />
        {gear.selfView.value === null ? (
          <p class="self-off" role="status">
            <Icon name="videoOff" />
            {gear.opening.value ? texts.opening : texts.selfOff}
          </p>
        ) : null}
        <figcaption>{banner}</figcaption>
      </figure>
      <div class="picker-fields">
        <DeviceSelect attendance={attendance} kind="camera" />
        <DeviceSelect attendance={attendance} kind="microphone" />
        {gear.opened.value.microphone === null ? null : (
          <div class="level">
            <Level attendance={attendance} />
            <p>{texts.levelHint}</p>
          </div>
        )}
        <div>
          <button type="button" class="button" onClick={playTestTone}>
            <Icon name="volume" />
            {texts.testTone}
          </button>
        </div>
      </div>
    </div>
  )
}

function DeviceSelect({ attendance, kind }: Props & { kind: DeviceKind }) {
  const texts = t.value.site.devices
  const { gear } = attendance
  const list = kind === 'camera' ? gear.list.value.cameras : gear.list.value.microphones
  const { problems } = gear.opened.value
  const bothDenied = problems.camera === 'denied' && problems.microphone === 'denied'
  const problem = bothDenied && kind === 'camera' ? undefined : problems[kind]
  const unnamed = kind === 'camera' ? texts.unnamedCamera : texts.unnamedMicrophone
  const chosen = gear.choice.value[kind]
  const inUse = gear.opened.value[kind]?.getSettings().deviceId
  const value = chosen === 'none' ? 'none' : (inUse ?? chosen)
  const known = value === 'none' || list.some((device) => device.deviceId === value)
  return (
    <div class="device">
      <label class="stacked">
        <span>{texts[kind]}</span>
        <select
          class="field"
          data-testid={`select-${kind}`}
          value={value}
          disabled={gear.opening.value}
          onChange={(event) =>
            void attendance.changeDevices({
              ...gear.choice.value,
              [kind]: event.currentTarget.value,
            })
          }
        >
          {known ? null : <option value={value}>{unnamed(1)}</option>}
          {list.map((device, index) => (
            <option key={device.deviceId} value={device.deviceId}>
              {device.label === '' ? unnamed(index + 1) : device.label}
            </option>
          ))}
          <option value="none">{kind === 'camera' ? texts.noCamera : texts.noMicrophone}</option>
        </select>
      </label>
      {problem === undefined ? null : (
        <div class="problem" role="alert" data-problem={problem}>
          <p>{bothDenied ? texts.problems.bothDenied : texts.problems[kind][problem]}</p>
          <button type="button" class="button" onClick={() => void gear.open()}>
            {t.value.common.retry}
          </button>
        </div>
      )}
    </div>
  )
}

export function Level({ attendance }: Props) {
  const level = attendance.gear.meter.level.value
  return (
    <>
      <meter
        class="visually-hidden"
        min={0}
        max={1}
        value={level}
        aria-label={t.value.site.devices.level}
      />
      <span class="level-meter" aria-hidden="true">
        <span style={{ width: `${Math.round(level * 100)}%` }} />
      </span>
    </>
  )
}
