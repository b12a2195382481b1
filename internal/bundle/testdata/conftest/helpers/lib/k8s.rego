package lib.k8s

containers contains c if some c in input.spec.template.spec.containers
