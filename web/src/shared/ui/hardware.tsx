/** What has to be entered in a site's hardware encoder and player. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Failure, failureOf } from '../client/problem'
import type { Rest } from '../client/rest'
import { longDate, shortTime } from '../client/time'
import { t } from '../i18n'
import type { ConferenceId, SiteCode, SiteDevices } from '../wire/types.gen'
import { useCopy } from './copy'
import { Icon } from './icon'
import { Dialog, ErrorText } from './parts'

interface Props {
  readonly rest: Rest
  readonly conference: ConferenceId
  readonly site: SiteCode
  readonly name: string
  readonly onClose: () => void
}

export function HardwareDialog({ rest, conference, site, name, onClose }: Props) {
  const texts = t.value.links
  const told = useSignal<SiteDevices | null>(null)
  const failure = useSignal<Failure | null>(null)
  useEffect(() => {
    rest.devices(conference, site).then(
      (devices) => {
        told.value = devices
      },
      (error: unknown) => {
        failure.value = failureOf(error)
      },
    )
  }, [rest, conference, site, told, failure])
  return (
    <Dialog title={texts.devices.title(`${site} ${name}`)} wide onClose={onClose}>
      <div class="hardware" data-testid="hardware-view">
        <p>{texts.devices.lead}</p>
        {failure.value === null ? null : <ErrorText code={failure.value} />}
        {told.value === null && failure.value === null ? <p>{t.value.common.loading}</p> : null}
        {told.value === null ? null : <Devices devices={told.value} />}
      </div>
    </Dialog>
  )
}

function Devices({ devices }: { devices: SiteDevices }) {
  const texts = t.value.links
  const { locale } = t.value
  const { copied, failed, copy } = useCopy()
  const words = texts.devices
  const groups = [
    { title: words.encoder, address: devices.whip, token: devices.publish_token },
    { title: words.player, address: devices.whep, token: devices.play_token },
  ]
  return (
    <>
      {groups.map(({ title, address, token }) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl>
            {[
              { what: words.address, text: address },
              { what: words.token, text: token },
            ].map(({ what, text }) => (
              <div key={what}>
                <dt>{what}</dt>
                <dd>
                  <code>{text}</code>
                  <button
                    type="button"
                    class="button small"
                    aria-label={words.copyOf(what, title)}
                    onClick={() => copy(text)}
                  >
                    <Icon name={copied.value === text ? 'check' : 'copy'} />
                    {copied.value === text ? texts.copied : texts.copy}
                  </button>
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <p>
        <b>{words.format}:</b> {devices.codec === 'H264' ? 'H.264' : 'VP8'} + Opus ·{' '}
        <b>{texts.expires}:</b> {shortTime(devices.expires_at, locale)},{' '}
        {longDate(devices.expires_at, locale)}
      </p>
      <ul>
        {words.rules.map((rule) => (
          <li key={rule}>{rule}</li>
        ))}
      </ul>
      <p class="hint" role="status">
        {failed.value ? texts.copyFailed : ''}
      </p>
    </>
  )
}
