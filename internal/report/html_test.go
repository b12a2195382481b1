package report_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sluice-dev/sluice/internal/report"
)

// TestPageIsSelfContained holds the page to name nothing outside of itself, and to let nothing end its data early.
func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	for name, build := range samples {
		text := htmlPage(t, build(t))
		if n := strings.Count(text, "</script>"); n != 2 {
			t.Errorf("%s: %d ends of scripts, want 2", name, n)
		}
		for _, remote := range regexp.MustCompile(`(?i)<(?:link|img|iframe|script)[^>]*(?:src|href)=[^>]*>|@import|url\(`).FindAllString(text, -1) {
			t.Errorf("%s: refers to something: %s", name, remote)
		}
		if strings.Contains(text, "{{") && !strings.Contains(name, "hostile") {
			t.Errorf("%s: a mark of the template is left", name)
		}
	}
}

func htmlPage(t testing.TB, r *report.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.HTML(&out, r, report.HTMLOptions{FileURL: options.FileURL}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// browser is a page in a real browser. It fails the test when the page logs an error, breaks its own policy, asks for something
// from outside or opens a dialog.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// findBrowser gives the program to test with. Where there is none, the test is skipped, and says so.
func findBrowser(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no chromium: the page is not tested in a browser (apt-get install chromium)")
	return ""
}

func newBrowser(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(findBrowser(t)), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

func openPage(t *testing.T, parent context.Context, r *report.Report, hash string) browser {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(htmlPage(t, r)), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	err := chromedp.Listen(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page's script failed: %s", event.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			t.Errorf("the page wrote to the console: %s", event.Type)
		case *page.EventJavascriptDialogOpening:
			t.Errorf("a script of the report ran: %s", event.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b := browser{t, ctx}
	b.do(chromedp.Navigate("file://"+file+hash), chromedp.WaitReady(chromedp.CSS("#count")))
	return b
}

func (b browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// eval gives what an expression of JavaScript says, as text.
func (b browser) eval(expression string) string {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// want waits until an expression says what it should.
func (b browser) want(expression, value string) {
	b.t.Helper()
	var got string
	for range 60 {
		if got = b.eval(expression); got == value {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Errorf("%s is %q, want %q", expression, got, value)
}

func (b browser) key(keys string) { b.t.Helper(); b.do(chromedp.KeyEvent(keys)) }

const (
	count = `document.getElementById("count").textContent`
	rows  = `document.querySelectorAll("#list > li").length`
	open  = `document.querySelectorAll("#list [aria-expanded=true]").length`
	focus = `document.activeElement.textContent`
)

func TestPage(t *testing.T) {
	parent := newBrowser(t)
	t.Run("search and filter", func(t *testing.T) {
		b := openPage(t, parent, riskyChange(t), "")
		b.want(count, "9 changes, 5 to read")
		b.key("/")
		b.do(chromedp.SendKeys(chromedp.CSS("#search"), "networkpolicy"))
		b.want(count, "1 of 9 changes")
		b.want(`document.querySelector("#list .name").textContent`, "NetworkPolicy shop/default-deny")
		b.key(kb.Escape)
		b.want(count, "9 changes, 5 to read")
		b.do(chromedp.SendKeys(chromedp.CSS("#search"), "cluster-admin subjects")) // words in the diff
		b.want(count, "2 of 9 changes, 1 to read")
		b.do(chromedp.Click(chromedp.CSS("#clear")))
		b.do(chromedp.SetValue(chromedp.CSS("#kind"), "Secret"), chromedp.Evaluate[chromedp.Void](`document.getElementById("kind").onchange()`))
		b.want(count, "2 of 9 changes, 1 to read")
		b.do(chromedp.Click(chromedp.CSS("#clear")), chromedp.Click(chromedp.Search(`//div[@id="environments"]/button[text()="prod"]`)))
		b.want(count, "5 of 9 changes")
		b.do(chromedp.Click(chromedp.Search(`//div[@id="only"]/button[text()="risky"]`)))
		b.want(count, "4 of 9 changes")
		b.do(chromedp.Click(chromedp.CSS("#clear")), chromedp.Click(chromedp.CSS(`.matrix button[aria-label^="web in staging"]`)))
		b.want(count, "4 of 9 changes")
	})
	t.Run("fold, side by side, group", func(t *testing.T) {
		b := openPage(t, parent, riskyChange(t), "")
		b.do(chromedp.Click(chromedp.CSS("#list h3 button")))
		b.want(open, "1")
		b.want(`document.querySelectorAll("#list .diff:not(.two)").length`, "1")
		b.do(chromedp.Click(chromedp.CSS("#split")))
		b.want(`document.querySelectorAll("#list .diff.two").length`, "1")
		b.do(chromedp.Click(chromedp.CSS("#fold")))
		b.want(open, "5")
		b.do(chromedp.Click(chromedp.CSS("#grouped")))
		b.want(rows, "9")
		b.want(open, "9")
		b.do(chromedp.Click(chromedp.CSS("#fold")))
		b.want(open, "0")
	})
	t.Run("deep links", func(t *testing.T) {
		r := riskyChange(t)
		b := openPage(t, parent, r, "#apps/web/overlays/staging/PersistentVolumeClaim%20shop/uploads")
		b.want(open, "1")
		b.want(`document.querySelector("#list [aria-expanded=true] .name").textContent`, "PersistentVolumeClaim shop/uploads")
		b.want(`document.querySelector("#list .body p code").textContent`, "apps/web/overlays/staging")
		b.do(chromedp.Evaluate[chromedp.Void](`location.hash = "#apps/web/overlays/prod/NetworkPolicy.networking.k8s.io shop/default-deny"`))
		b.want(open, "2")
		b = openPage(t, parent, manyChanges(t, 3_000), "#apps/app-2999/overlays/prod/ConfigMap.%20")
		b.want(open, "0") // nothing of this name
		b = openPage(t, parent, manyChanges(t, 3_000), "#apps/app-2999/overlays/prod/ConfigMap%20shop/app-2999")
		b.want(open, "1")
		b.want(`document.activeElement.getBoundingClientRect().top < innerHeight`, "true")
		b = openPage(t, parent, r, "#%E0%A4%A")
		b.want(count, "9 changes, 5 to read")
	})
	t.Run("keyboard", func(t *testing.T) {
		b := openPage(t, parent, riskyChange(t), "")
		b.key("j")
		b.want(`document.activeElement.closest("li") === document.querySelectorAll("#list > li")[0]`, "true")
		b.key("j")
		b.key("j")
		b.key("k")
		b.want(`document.activeElement.closest("li") === document.querySelectorAll("#list > li")[1]`, "true")
		b.key("o")
		b.want(open, "1")
		b.key(kb.Enter)
		b.want(open, "0")
		b.key("e")
		b.want(open, "5")
		b.key("s")
		b.want(`document.querySelectorAll("#list .diff.two").length`, "5")
		b.key("g")
		b.want(rows, "9")
		b.key("?")
		b.want(`document.getElementById("keys").open`, "true")
		b.key(kb.Escape)
		b.want(`document.getElementById("keys").open`, "false")
	})
	t.Run("hostile content", func(t *testing.T) {
		b := openPage(t, parent, hostileNames(t), "")
		b.key("e")
		b.want(open, b.eval(rows))
		b.want(`document.querySelectorAll("img, iframe, object, embed, [onerror], [onload]").length`, "0")
		b.want(`document.querySelectorAll("script").length`, "2")
		b.want(`[...document.querySelectorAll("a[href]")].filter((a) => !a.getAttribute("href").startsWith("#") && !a.href.startsWith("https://github.com/octo/config/blob/")).length`, "0")
		b.want(`document.body.textContent.includes("\u202e")`, "false")
		// Even where markup came in, the policy would not let it run.
		b.do(chromedp.Evaluate[chromedp.Void](`document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'>"); document.head.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 2" }))`))
		time.Sleep(200 * time.Millisecond)
		b.want(`window.ran`, "undefined")
	})
	t.Run("accessible", func(t *testing.T) {
		b := openPage(t, parent, riskyChange(t), "")
		b.key("e")
		b.want(`["header", "main", "footer", "form[role=search]", "h1"].filter((s) => document.querySelectorAll(s).length !== 1).join()`, "")
		b.want(`[...document.querySelectorAll("button, a, select, input")].filter((n) => !(n.textContent.trim() || n.getAttribute("aria-label") || n.labels?.length)).length`, "0")
		for _, theme := range []string{"light", "dark"} {
			b.do(chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.theme = "` + theme + `"`))
			if low := b.eval(contrast); low != "" {
				t.Errorf("%s: too little contrast: %s", theme, low)
			}
		}
	})
	t.Run("printed", func(t *testing.T) {
		b := openPage(t, parent, manyChanges(t, 300), "")
		b.do(chromedp.Click(chromedp.CSS("#list h3 button")))
		b.want(open, "1")
		if on := b.eval(rows); on == "300" {
			t.Error("the page lays out all rows at once, so that this shows nothing of printing")
		}
		pdf := printPage(t, b)
		b.want(rows, "300") // what was not in view yet is on paper
		if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Errorf("it prints to %.20q", pdf)
		}
		if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); n < 3 {
			t.Errorf("300 changes print to %d pages", n)
		}
		emulate(t, b, "print")
		b.want(`["form[role=search]", ".tools", "#more"].filter((s) => [...document.querySelectorAll(s)].some((n) => n.checkVisibility())).join()`, "")
		b.want(`document.querySelector("#list .diff").checkVisibility()`, "true")
		b.want(`[...document.querySelectorAll(".matrix, .scroll, .box")].filter((n) => n.scrollHeight > n.clientHeight + 1).length`, "0")
		b.want(`document.documentElement.scrollWidth <= innerWidth`, "true")
	})
	t.Run("10,000 objects", func(t *testing.T) {
		started := time.Now()
		b := openPage(t, parent, manyChanges(t, 10_000), "")
		made := time.Now()
		ready := b.eval(`Math.round(performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd)`)
		b.want(count, "10,000 changes")
		t.Logf("page of 10,000 changes: ready after %s ms (with making it: %s)", ready, made.Sub(started).Round(time.Millisecond))
		var ms float64
		if fmt.Sscan(ready, &ms); ms > 5_000 {
			t.Errorf("the page needs %s ms to open", ready)
		}
		b.do(chromedp.SendKeys(chromedp.CSS("#search"), "app-9876"))
		b.want(count, "1 of 10,000 changes")
		b.do(chromedp.Click(chromedp.CSS("#clear")))
		b.want(count, "10,000 changes")
		b.do(chromedp.Evaluate[chromedp.Void](`window.scrollTo(0, document.body.scrollHeight)`))
		b.want(rows+" > 100", "true")
	})
}

// printPage gives the page as it comes out of a printer.
func printPage(t *testing.T, b browser) []byte {
	t.Helper()
	printed, err := chromedp.Run(b.ctx, func(ctx context.Context, target *chromedp.Target) (page.PrintToPDFResult, error) {
		return cdp.Call(ctx, target, page.PrintToPDF, page.PrintToPDFParams{})
	})
	if err != nil {
		t.Fatal(err)
	}
	return printed.Data
}

// emulate has the page shown as on another medium.
func emulate(t *testing.T, b browser, medium string) {
	t.Helper()
	_, err := chromedp.Run(b.ctx, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contrast finds text whose contrast with what is behind it is below that of WCAG AA.
const contrast = `(() => {
  const rgb = (c) => c.match(/[\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = rgb(c).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (n) => { for (; n; n = n.parentElement) { const c = getComputedStyle(n).backgroundColor; if (rgb(c)[3] !== 0) return c; } return "rgb(255, 255, 255)"; };
  const bad = new Set();
  for (const n of document.querySelectorAll("body *")) {
    if (![...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim()) || !n.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(n).color), light(behind(n))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(n.tagName + "." + n.className + " " + ratio.toFixed(1));
  }
  return [...bad].join("; ");
})()`

// manyChanges is one changed object in each of n targets, no two alike.
func manyChanges(t testing.TB, n int) *report.Report {
	s := newSample(t)
	for i := range n {
		name := fmt.Sprintf("app-%04d", i)
		s.changes(s.target(name, []string{"dev", "staging", "prod"}[(i+n)%3], "apps/"+name),
			configMap(name, "shop", fmt.Sprintf("VERSION: v%d", i), "A: a", "B: b", "C: c"), configMap(name, "shop", fmt.Sprintf("VERSION: w%d", i*7), "A: a", "B: b", "C: c", "D: d"))
	}
	report.Finish(s.r)
	return s.r
}
