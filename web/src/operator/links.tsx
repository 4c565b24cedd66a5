import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { copyText } from '../shared/client/clipboard'
import { type Failure, failureOf } from '../shared/client/problem'
import { linkPath, linksPath, type Rest } from '../shared/client/rest'
import { longDate, shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { HardwareDialog } from '../shared/ui/hardware'
import { Icon, type IconName } from '../shared/ui/icon'
import { ConfirmDialog, Dialog, ErrorText } from '../shared/ui/parts'
import type { ConferenceId, SiteCode, SiteLink } from '../shared/wire/types.gen'

interface Props {
  readonly rest: Rest
  readonly conference: ConferenceId
  readonly onClose: () => void
}

/** One line per site that has a link, to paste into a message or a sheet. */
export function linksText(links: readonly SiteLink[]): string {
  return links
    .filter(({ revoked }) => !revoked)
    .map(({ site, name, url, code }) => `${site}\t${name}\t${url}\t${code}`)
    .join('\n')
}

/** Every site's personal link, to copy or to take away. */
export function LinksDialog({ rest, conference, onClose }: Props) {
  const texts = t.value.links
  const links = useSignal<SiteLink[] | null>(null)
  const failure = useSignal<Failure | null>(null)
  const copied = useSignal<string | null>(null)
  const copyFailed = useSignal(false)
  useEffect(() => {
    rest.links(conference).then(
      (list) => {
        links.value = list
      },
      (error: unknown) => {
        failure.value = failureOf(error)
      },
    )
  }, [rest, conference, links, failure])
  const copy = async (text: string, what: string): Promise<void> => {
    copyFailed.value = !(await copyText(text))
    copied.value = copyFailed.value ? null : what
  }
  const asking = useSignal<Asking | null>(null)
  const shown = useSignal<SiteCode | null>(null)
  const hardware = useSignal<SiteCode | null>(null)
  const change = async ({ what, link }: Asking): Promise<void> => {
    asking.value = null
    failure.value = null
    try {
      const changed =
        what === 'rotate'
          ? await rest.rotateLink(conference, link.site)
          : await rest.revokeLink(conference, link.site)
      links.value = (links.value ?? []).map((one) => (one.site === changed.site ? changed : one))
    } catch (error) {
      failure.value = failureOf(error)
    }
  }
  const rows = links.value ?? []
  const qr = rows.find((link) => link.site === shown.value && !link.revoked)
  const equipped = rows.find((link) => link.site === hardware.value && !link.revoked)
  const first = rows[0]
  return (
    <Dialog
      title={texts.title}
      wide
      onClose={onClose}
      foot={
        <>
          <span class="hint spacer" role="status">
            {copyFailed.value ? texts.copyFailed : ''}
            {copied.value === null ? '' : texts.copied}
          </span>
          <button
            type="button"
            class="button"
            disabled={rows.length === 0}
            onClick={() => void copy(linksText(rows), '*')}
          >
            <Icon name={copied.value === '*' ? 'check' : 'copy'} />
            {texts.copyAll}
          </button>
          {rows.length === 0 ? null : (
            <>
              <a class="button" href={`${linksPath(conference)}.csv`} download data-testid="csv">
                <Icon name="download" />
                {texts.download}
              </a>
              <a
                class="button primary"
                href={`${linksPath(conference)}/sheet`}
                target="_blank"
                rel="noopener"
                data-testid="sheet"
              >
                <Icon name="printer" />
                {texts.sheet}
              </a>
            </>
          )}
        </>
      }
    >
      <p>
        {texts.lead}
        {first === undefined
          ? ''
          : ` ${texts.expires}: ${shortTime(first.expires_at, t.value.locale)}, ${longDate(first.expires_at, t.value.locale)}.`}
      </p>
      {failure.value === null ? null : <ErrorText code={failure.value} />}
      {failure.value === 'links_not_ready' ? <NotReady /> : null}
      {links.value === null && failure.value === null ? <p>{t.value.common.loading}</p> : null}
      <div class="links-scroll" tabIndex={-1}>
        <table class="links" data-testid="links">
          <thead>
            <tr>
              <th scope="col">{texts.code}</th>
              <th scope="col">{texts.name}</th>
              <th scope="col">{texts.url}</th>
              <th scope="col">{texts.typed}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {rows.map((link) => (
              <tr key={link.site} data-link={link.site}>
                <td>{link.site}</td>
                <th scope="row">{link.name}</th>
                <td>
                  {link.revoked ? (
                    texts.revoked
                  ) : (
                    <a href={link.url} target="_blank" rel="noopener noreferrer">
                      {link.url}
                    </a>
                  )}
                </td>
                <td class="code" data-testid="typed-code">
                  {link.code}
                </td>
                <td class="link-buttons">
                  <button
                    type="button"
                    class="button small"
                    disabled={link.revoked}
                    aria-label={texts.copySite(link.name)}
                    onClick={() => void copy(link.url, link.site)}
                  >
                    <Icon name={copied.value === link.site ? 'check' : 'copy'} />
                    {copied.value === link.site ? texts.copied : texts.copy}
                  </button>
                  <RowButton
                    name="qr"
                    icon="qrCode"
                    label={texts.qrOf(link.name)}
                    disabled={link.revoked}
                    onClick={() => {
                      shown.value = link.site
                    }}
                  />
                  <RowButton
                    name="hardware"
                    icon="router"
                    label={texts.devicesOf(link.name)}
                    disabled={link.revoked}
                    onClick={() => {
                      hardware.value = link.site
                    }}
                  />
                  <RowButton
                    name="rotate"
                    icon="refresh"
                    label={texts.rotateOf(link.name)}
                    onClick={() => {
                      asking.value = { what: 'rotate', link }
                    }}
                  />
                  <RowButton
                    name="revoke"
                    icon="ban"
                    label={texts.revokeOf(link.name)}
                    disabled={link.revoked}
                    onClick={() => {
                      asking.value = { what: 'revoke', link }
                    }}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {qr === undefined ? null : (
        <QrDialog
          link={qr}
          src={`${linkPath(conference, qr.site)}/qr.svg`}
          onClose={() => {
            shown.value = null
          }}
        />
      )}
      {equipped === undefined ? null : (
        <HardwareDialog
          rest={rest}
          conference={conference}
          site={equipped.site}
          name={equipped.name}
          onClose={() => {
            hardware.value = null
          }}
        />
      )}
      {asking.value === null ? null : (
        <ChangeDialog
          asking={asking.value}
          onConfirm={(asked) => void change(asked)}
          onClose={() => {
            asking.value = null
          }}
        />
      )}
    </Dialog>
  )
}

interface Asking {
  readonly what: 'rotate' | 'revoke'
  readonly link: SiteLink
}

interface RowButtonProps {
  readonly name: string
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
  readonly disabled?: boolean
}

function RowButton({ name, icon, label, onClick, disabled = false }: RowButtonProps) {
  return (
    <button
      type="button"
      class="button small square"
      data-testid={name}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  )
}

interface ChangeProps {
  readonly asking: Asking
  readonly onConfirm: (asking: Asking) => void
  readonly onClose: () => void
}

function ChangeDialog({ asking, onConfirm, onClose }: ChangeProps) {
  const texts = t.value.links[asking.what]
  return (
    <ConfirmDialog
      title={texts.title(asking.link.name)}
      confirm={texts.confirm}
      tone="danger"
      onClose={onClose}
      onConfirm={() => onConfirm(asking)}
    >
      <p>{texts.body}</p>
    </ConfirmDialog>
  )
}

/** Large enough for a telephone across the table. */
function QrDialog({ link, src, onClose }: { link: SiteLink; src: string; onClose: () => void }) {
  const texts = t.value.links
  return (
    <Dialog title={`${link.site} ${link.name}`} onClose={onClose}>
      <div class="qr" data-testid="qr-view">
        <img src={src} alt={texts.qrOf(link.name)} width="320" height="320" />
        <p>{texts.qrHint}</p>
        <p class="code">{link.code}</p>
      </div>
    </Dialog>
  )
}

/** For the administrator: what has to be set before links can work. */
function NotReady() {
  const texts = t.value.links
  return (
    <ol class="steps" data-testid="links-not-ready">
      {texts.notReady.map((step) => (
        <li key={step}>{step}</li>
      ))}
    </ol>
  )
}
