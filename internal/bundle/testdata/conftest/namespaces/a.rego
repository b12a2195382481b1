package kubernetes.images

deny contains "images" if input.kind == "Deployment"

exception contains ["x"] if true

deny_x contains "x" if true
