package report_test

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sluice-dev/sluice/internal/report"
)

var (
	pictures   = flag.String("pictures", "", "write the pictures of the documentation to this directory (see docs/review.md)")
	stylesheet = flag.String("stylesheet", "", "github-markdown-light.css of the npm package github-markdown-css, for pictures of comments")
	demo       = flag.String("demo", "", "the comment.md that sluice demo wrote, for docs/comment.png")
)

// TestPictures makes the pictures of the documentation. It is run by hand: docs/review.md says how.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("no -pictures: nothing to make")
	}
	parent := newBrowser(t)
	for _, theme := range []string{"light", "dark"} {
		b := openPage(t, parent, riskyChange(t), "")
		b.do(chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.theme = "`+theme+`"`), chromedp.EmulateViewport(1280, 1560))
		b.do(chromedp.Click(chromedp.CSS("#list h3 button")))
		if theme == "dark" {
			b.do(chromedp.Click(chromedp.CSS("#split")))
		}
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#findings .findings").replaceChildren(...[...document.querySelectorAll("#findings .findings > li")].slice(0, 4)); document.activeElement.blur(); window.scrollTo(0, 0)`), chromedp.Sleep(300*time.Millisecond))
		b.picture("page-" + theme + ".png")
	}
	comments := map[string]string{
		"comment-risky.png": report.Comment(riskyChange(t), options)[0], "comment-600.png": report.Comment(manyTargets(t), options)[0],
		"comment-failing.png": report.Comment(failingRender(t), options)[0],
	}
	if *demo != "" {
		body, err := os.ReadFile(*demo)
		if err != nil {
			t.Fatal(err)
		}
		comments["comment.png"] = string(body)
	}
	if *stylesheet == "" {
		t.Log("no -stylesheet: no pictures of comments")
		return
	}
	for name, body := range comments {
		b := showComment(t, parent, body)
		height, err := strconv.Atoi(b.eval(`Math.ceil(document.querySelector(".comment").getBoundingClientRect().bottom) + 16`))
		if err != nil {
			t.Fatal(err)
		}
		b.do(chromedp.EmulateViewport(960, int64(min(height, 1500))), chromedp.Sleep(200*time.Millisecond))
		b.picture(name)
	}
}

// picture writes what the browser shows, in as few bytes as PNG allows.
func (b browser) picture(name string) {
	b.t.Helper()
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		b.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, fewerColors(picture)); err != nil {
		b.t.Fatal(err)
	}
	b.t.Logf("%s: %d KB", name, out.Len()>>10)
	if err := os.WriteFile(filepath.Join(*pictures, name), out.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// fewerColors reduces a picture to its 256 most frequent colours, which makes it a third as large and looks the same.
func fewerColors(picture image.Image) image.Image {
	counts := make(map[color.NRGBA]int)
	bounds := picture.Bounds()
	at := func(x, y int) color.NRGBA { return color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(counts), func(a, b color.NRGBA) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	var palette color.Palette
	for _, c := range frequent[:min(256, len(frequent))] {
		palette = append(palette, c)
	}
	nearest := make(map[color.NRGBA]uint8, len(counts))
	for c := range counts {
		nearest[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return out
}

// showComment shows a comment as GitHub would: its stylesheet, its colours for diffs, a frame like that of a conversation.
func showComment(t *testing.T, parent context.Context, body string) browser {
	t.Helper()
	css, err := os.ReadFile(*stylesheet)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := gfm.Convert([]byte(body), &text); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "comment.html")
	page := fmt.Sprintf(`<!doctype html><meta charset="utf-8"><style>%s
		body { margin: 16px; background: #fff; font-family: -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
		.comment { border: 1px solid #d1d9e0; border-radius: 6px; } .head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0; padding: 8px 16px; font-size: 14px; color: #59636e; }
		.head b { color: #1f2328; } .head span { border: 1px solid #d1d9e0; border-radius: 999px; padding: 0 7px; font-size: 12px; } .markdown-body { padding: 16px; font-size: 14px; }
		</style><div class="comment"><div class="head"><b>github-actions</b> <span>bot</span> commented now</div><div class="markdown-body">%s</div></div>`, css, diffColors(text.String()))
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	b := browser{t, ctx}
	b.do(chromedp.EmulateViewport(960, 1500), chromedp.Navigate("file://"+file))
	return b
}

var diffBlock = regexp.MustCompile(`(?s)<pre><code class="language-diff">(.*?)</code></pre>`)

// diffColors colours the lines of diffs with the classes that GitHub's highlighter gives them.
func diffColors(text string) string {
	classes := map[byte]string{'+': "pl-mi1", '-': "pl-md", '@': "pl-mdr"}
	return diffBlock.ReplaceAllStringFunc(text, func(block string) string {
		var out strings.Builder
		out.WriteString("<pre><code>")
		for l := range strings.Lines(html.UnescapeString(diffBlock.FindStringSubmatch(block)[1])) {
			fmt.Fprintf(&out, `<span class="%s">%s</span>`, classes[l[0]], html.EscapeString(l))
		}
		return out.String() + "</code></pre>"
	})
}
