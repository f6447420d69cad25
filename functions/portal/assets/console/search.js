// One search box for members: a name's beginning, an email, an external id or a member's id.

import { get, Problem } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { statusTag } from "../core/story.js";
import { announce, empty, field, form, input, sentence, table } from "../core/ui.js";

// `href(member)` is where a result leads; `found(term)` hears of each search.
export function memberSearch({ href, term = "", found, action = "Find" }) {
  const results = h("div", { class: "results" });
  const count = h("p", { role: "status", class: "hint" });
  let last = 0;

  async function search({ term: asked }) {
    last += 1;
    const turn = last;
    const page = await lookedUp(asked);
    return { ...page, asked, isLate: turn !== last };
  }

  function show(page) {
    if (page.isLate) return;
    found?.(page.asked);
    count.textContent = page.members.length === 1 ? "One member found" : `${page.members.length} members found`;
    count.hidden = page.members.length === 0;
    replace(results, page.members.length ? listed(page) : empty(`Nobody was found for “${page.asked}”. A name is searched by its beginning, an email or external id as a whole.`));
  }

  const listed = (page) => {
    const place = h("div", {}, membersTable(page.members, href));
    const more = page.cursor && h("button", { type: "button", onclick: onMore }, "Show more");
    async function onMore() {
      more.disabled = true;
      try {
        const next = await get("members", { ...page.query, cursor: page.cursor });
        show({ ...page, members: [...page.members, ...next.members], cursor: next.cursor });
      } catch (error) {
        more.disabled = false;
        announce(sentence(error), "failed");
      }
    }
    return [place, more];
  };

  const element = form({
    attributes: { role: "search" },
    fields: [
      field(
        "Name, email or external id",
        input("term", { required: true, type: "search", maxlength: 200, value: term }),
        "The beginning of a name, a whole email, or an external id such as pos:1234.",
      ),
    ],
    submit: action,
    send: search,
    done: show,
  });
  // Once it is part of the page.
  if (term) queueMicrotask(() => element.requestSubmit());
  return h("div", { class: "search" }, element, count, results);
}

// What a term is, by its looks. Where an external id is not known, it may still be a name.
async function lookedUp(term) {
  if (/^mbr_[a-z2-7]{16}$/.test(term)) return { members: await byId(term), cursor: null, query: {} };
  const isExternalId = /^[^\s:@]+:\S/.test(term);
  if (isExternalId) {
    const page = await get("members", { external_id: term });
    if (page.members.length) return { ...page, query: { external_id: term } };
  }
  const query = !isExternalId && term.includes("@") ? { email: term } : { name: term };
  return { ...(await get("members", query)), query };
}

async function byId(id) {
  try {
    return [await get(`members/${encodeURIComponent(id)}`)];
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return [];
    throw error;
  }
}

export const nameOf = (member) => member.name ?? member.email ?? member.member_id;

export const storyOf = (memberId) => `#/members/${encodeURIComponent(memberId)}`;

const membersTable = (members, href) =>
  table({
    caption: "Members found",
    captionHidden: true,
    columns: [
      { title: "Name", value: (each) => h("a", { href: href(each) }, nameOf(each)), isHead: true },
      { title: "Email", value: (each) => each.email ?? "–" },
      { title: "Organisation", value: (each) => each.organisation ?? "–" },
      { title: "External ids", value: (each) => each.external_ids.map(written).join(", ") || "–" },
      { title: "Status", value: (each) => statusTag(each.status) },
    ],
    rows: members,
  });

export const written = ({ source, id }) => `${source}:${id}`;
