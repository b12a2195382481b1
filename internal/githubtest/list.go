package githubtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// visible gives what a list shows: all, unless it lags behind. Things are kept in the order in which they were made.
func visible[T any](c *call, list []T) []T { return list[:max(0, len(list)-c.lag)] }

// page cuts a list to the page that the client asks for and says in the header Link where the others are.
func page[T any](c *call, path string, list []T, show func(T) obj) ([]obj, http.Header) {
	size := c.number("per_page", 30)
	size = min(max(size, 1), 100)
	if c.PageSize > 0 {
		size = min(size, c.PageSize)
	}
	number, last := max(c.number("page", 1), 1), max((len(list)+size-1)/size, 1)
	shown := []obj{}
	for i := (number - 1) * size; i < min(number*size, len(list)); i++ {
		shown = append(shown, show(list[i]))
	}
	var links []string
	link := func(rel string, to int) {
		query := url.Values(c.query)
		query.Set("page", strconv.Itoa(to))
		links = append(links, fmt.Sprintf("<%s%s?%s>; rel=%q", c.APIURL, path, query.Encode(), rel))
	}
	if number > 1 {
		link("prev", number-1)
		link("first", 1)
	}
	if number < last {
		link("next", number+1)
		link("last", last)
	}
	header := http.Header{}
	if len(links) > 0 {
		header.Set("Link", strings.Join(links, ", "))
	}
	return shown, header
}

func (c *call) asked(name string) string { return url.Values(c.query).Get(name) }

func (c *call) number(name string, fallback int) int {
	if n, err := strconv.Atoi(c.asked(name)); err == nil {
		return n
	}
	return fallback
}

// param gives a number in the path.
func (c *call) param(name string) int64 {
	n, err := strconv.ParseInt(c.params[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}
