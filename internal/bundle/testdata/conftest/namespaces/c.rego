package main

import data.kubernetes.images

deny contains msg if {
	some m in images.deny
	msg := concat(" ", ["from images:", m])
}
