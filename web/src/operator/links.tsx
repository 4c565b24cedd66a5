import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Failure, failureOf } from '../shared/client/problem'
import { linksPath, type Rest } from '../shared/client/rest'
import { longDate, shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { useCopy } from '../shared/ui/copy'
import { Icon } from '../shared/ui/icon'
import { Dialog, ErrorText } from '../shared/ui/parts'
import type { ConferenceId, SiteLink } from '../shared/wire/types.gen'
import { type Change, LinkRow, type Opened, OpenedDialog } from './link'

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
  const { copied, failed: copyFailed, copy } = useCopy()
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
  const opened = useSignal<Opened | null>(null)
  const shut = (): void => {
    opened.value = null
  }
  const change = async (what: Change, link: SiteLink): Promise<void> => {
    shut()
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
            onClick={() => copy(linksText(rows), '*')}
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
              <LinkRow
                key={link.site}
                link={link}
                copied={copied.value === link.site}
                onCopy={() => copy(link.url, link.site)}
                onOpen={(what) => {
                  opened.value = { what, link }
                }}
              />
            ))}
          </tbody>
        </table>
      </div>
      {opened.value === null ? null : (
        <OpenedDialog
          rest={rest}
          conference={conference}
          opened={opened.value}
          onChange={(what, link) => void change(what, link)}
          onClose={shut}
        />
      )}
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
