"""The buttons of a second telephone: what each asks for, and which are of use when."""

from playwright.sync_api import Page

STORY = """async () => {
  const names = ["transfer", "consult", "swap", "conference", "complete", "cancel"];
  document.body.innerHTML = `<form id="transfer-form"><input id="transfer-number" required>` +
    names.map((name) => `<button type="button" id="${name}"></button>`).join("") +
    `<p id="transfer-status"></p></form>`;
  const { Transferring } = await import("/static/people/transfer.js");
  const asked = [], refused = [];
  let refuse = "";
  const page = new Transferring(
    async (name, fields) => {
      asked.push([name, fields]);
      if (refuse) throw new Error(refuse);
      return { state: "listening", word: "held" };
    },
    () => null,
    (sentence) => refused.push(sentence),
  );
  const shown = {};
  const look = (what) => (shown[what] = [
    names.filter((name) => !document.getElementById(name).disabled),
    document.getElementById("transfer-status").textContent,
  ]);
  const settled = () => new Promise((done) => setTimeout(done, 20));
  const press = async (name) => {
    document.getElementById(name).click();
    await settled();
  };
  const tell = (kind, fields) => page.news({ say: "live", kind, leg: "1", ...fields });
  look("at first");
  await press("consult");
  document.getElementById("transfer-number").value = " +12025550150 ";
  refuse = "Not that number.";
  await press("transfer");
  refuse = "";
  document.getElementById("transfer-form").requestSubmit();
  await settled();
  tell("leg.placed", { purpose: "consult", number: "+12025550150", name: "Ada" });
  tell("leg.arranged", { arrangement: "consulting" });
  tell("leg.ringing", {});
  look("ringing");
  tell("leg.answered", {});
  look("answered");
  await press("swap");
  tell("leg.arranged", { arrangement: "aside" });
  look("aside");
  await press("conference");
  tell("leg.arranged", { arrangement: "conference" });
  look("conference");
  await press("complete");
  tell("leg.ended", { reason: "busy" });
  look("ended");
  tell("leg.placed", { purpose: "consult", number: "+1" });
  page.open();
  look("another call");
  return { shown, asked, refused };
}"""


def test_the_page_offers_what_is_of_use_and_asks_for_it(scripts: Page) -> None:
    told = scripts.evaluate(STORY)
    number = {"number": "+12025550150"}
    assert told["asked"] == [
        ["transfer", number],
        ["consult", number],
        ["swap", {}],
        ["conference", {}],
        ["complete", {}],
    ]
    assert told["refused"] == ["Not that number.", "", "", "", ""]
    dialling, all_ways = ["transfer", "consult"], ["swap", "conference", "complete", "cancel"]
    assert told["shown"] == {
        "at first": [dialling, ""],
        "ringing": [["swap", "cancel"], "+12025550150 rings."],
        "answered": [all_ways, "+12025550150 has picked up."],
        "aside": [all_ways, "You talk with the prospect; they are on hold."],
        "conference": [all_ways, "All three talk."],
        "ended": [dialling, "The second telephone is off: their line was busy."],
        "another call": [dialling, ""],
    }
