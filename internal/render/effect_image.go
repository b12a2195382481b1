package render

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// imagesOf gives the images of the containers and image volumes in a document, once per parsed file. They are where
// kustomize looks for them, and a little beyond.
func (s *source) imagesOf() []string {
	if !s.counted {
		s.counted = true
		for _, document := range s.documents {
			if document.Kind == yaml.SequenceNode {
				s.images = appendOperationImages(s.images, document)
			} else {
				s.images = appendImages(s.images, document)
			}
		}
		slices.Sort(s.images)
		s.images = slices.Compact(s.images)
	}
	return s.images
}

func appendImages(images []string, n *yaml.Node) []string {
	if n = resolved(n); n == nil {
		return images
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if n.Kind == yaml.MappingNode {
			switch n.Content[i-1].Value {
			case "containers", "initContainers":
				for _, container := range items(child) {
					if image := text(resolved(exactly(container, "image"))); image != "" {
						images = append(images, image)
					}
				}
			case "image":
				if image := text(resolved(exactly(child, "reference"))); image != "" {
					images = append(images, image)
				}
			}
		}
		images = appendImages(images, child)
	}
	return images
}

// appendOperationImages takes what a JSON patch can bring.
func appendOperationImages(images []string, operations *yaml.Node) []string {
	for _, operation := range items(operations) {
		at, value := text(field(operation, "path")), field(operation, "value")
		switch {
		case strings.HasSuffix(at, "/image"), strings.HasSuffix(at, "/reference"):
			images = append(images, text(value))
		case strings.Contains(at, "ontainers/"):
			images = append(images, text(resolved(exactly(value, "image"))))
		}
		images = appendImages(images, value)
	}
	return images
}
