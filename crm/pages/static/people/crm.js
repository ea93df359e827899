// What the pages ask of the CRM, which answers in two shapes: {data} and problem details.

const TIMEOUT_MS = 10000;

/** What the CRM said no to, or could not be asked. */
export class NotServed extends Error {
  constructor(code, sentence) {
    super(sentence);
    this.code = code;
  }
}

export async function get(path) {
  return ask(path, { cache: "no-store" });
}

export async function post(path, body = {}) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new NotServed("crm_away", "The CRM cannot be reached: check the network.");
  }
  if (answer.status === 401) location.assign("/sign-in");
  const body = await answer.json().catch(() => null);
  if (answer.ok && body) return body.data;
  throw new NotServed(body?.code ?? `http_${answer.status}`, body?.title ? `${body.title}.` : `The CRM answered ${answer.status}.`);
}
