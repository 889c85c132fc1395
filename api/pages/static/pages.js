// What the pages have beyond HTML: the browser's locale and zone, news as they come, and a console that is up to date.
// Each page works without it.

const POLL = 10000;
const times = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

function amount(element) {
  const { scale, asset, signed } = element.dataset;
  const digits = { minimumFractionDigits: Number(scale), maximumFractionDigits: Number(scale) };
  const format = new Intl.NumberFormat(undefined, { ...digits, signDisplay: signed === undefined ? 'auto' : 'exceptZero' });
  // a string, not a number: amounts have up to 16 digits
  return `${format.format(element.value ?? element.dataset.amount)}\u00a0${asset}`;
}

function localize(root) {
  for (const element of root.querySelectorAll('[data-asset]')) element.textContent = amount(element);
  for (const element of root.querySelectorAll('[data-local]')) element.textContent = element.dataset.local;
  for (const element of root.querySelectorAll('time')) element.textContent = times.format(new Date(element.dateTime));
}

const reader = (page) => page.querySelector('.who .name')?.textContent;

// Read this page again, and take over the parts that can change. If it is not for the same reader, none of it may stay.
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
  const found = new DOMParser().parseFromString(await answer.text(), 'text/html');
  if (answer.redirected || (answer.ok && reader(found) !== reader(document))) location.assign(location.pathname + location.search);
  if (!answer.ok || answer.redirected) return;
  localize(found);
  let changed = false;
  for (const part of document.querySelectorAll('[data-fresh]')) {
    const fresh = found.getElementById(part.id);
    if (fresh && fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
      part.replaceChildren(...fresh.childNodes);
      // a chart goes on with the time, which is no news
      changed ||= part.dataset.fresh !== 'quiet';
    }
  }
  const news = document.getElementById('news');
  if (changed && document.body.dataset.live) news.textContent = news.textContent ? `${news.dataset.words}\u00a0` : news.dataset.words;
}

let timer;
function again(milliseconds) {
  clearInterval(timer);
  timer = setInterval(() => document.hidden || refresh().catch(() => {}), milliseconds);
}

let source;
let due;
// A browser has few connections to a site: a tab that nobody sees must keep none of them.
function follow() {
  source?.close();
  if (document.hidden) return;
  source = new EventSource('/live');
  const soon = () => {
    clearTimeout(due);
    due = setTimeout(refresh, 200);
  };
  // also for what happened since the page was made, or while the stream was away
  for (const type of [...live.split(' '), 'open']) source.addEventListener(type, soon);
  // refused for good: too many streams, or a proxy that passes none on
  source.addEventListener('error', ({ target }) => { if (target.readyState === EventSource.CLOSED) again(POLL); });
  source.addEventListener('end', ({ target }) => { target.close(); setTimeout(follow, 5000); });
}

localize(document);
const { live, poll } = document.body.dataset;
if (live) {
  follow();
  addEventListener('visibilitychange', follow);
  addEventListener('pagehide', () => source?.close());
}
if (poll) again(Number(poll));
// the back button can show a page as it was, to whoever came after its reader
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) refresh().catch(() => {});
  if (persisted && live) follow();
});
// Days begin at midnight where the browser is: it tells how far that is from UTC.
addEventListener('formdata', ({ target, formData }) => {
  for (const { name, value } of target.querySelectorAll('input[type=date]')) {
    const midnight = new Date(`${value}T00:00`);
    if (name === 'to') midnight.setDate(midnight.getDate() + 1);
    if (value) formData.set(`${name}_offset`, -midnight.getTimezoneOffset());
  }
});
// A second press of the same button sends nothing: the first answer is on its way. Its txn_id would make it a replay anyway.
// After a while it counts: the first one may have been stopped.
addEventListener('submit', (event) => {
  const { dataset, method } = event.target;
  if (method !== 'post') return;
  if (dataset.sent) event.preventDefault();
  dataset.sent = 'yes';
  setTimeout(() => delete dataset.sent, 2000);
});
